"""The systems that tools call: their addresses, whose token they get, and what their answers mean."""
