"""The cost of a streamed token: a pass-through proxy, the textbook stack and Frontdesk, side by side. `python -m bench`."""
