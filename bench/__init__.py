"""What a streamed token costs: a pass-through proxy, the textbook stack and Frontdesk, side by side. `python -m bench`."""
