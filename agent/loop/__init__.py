"""The loop: the model is asked, its calls are executed, until nothing more is asked for."""
