"""Chat models: from a spec string to what a run talks with."""
