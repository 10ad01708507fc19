"""The runs of this process: begun, held, worked on, read, left and taken over."""
