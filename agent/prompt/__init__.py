"""The prompt that a model is given to read: our words, the transcript, and the facts of the moment."""
