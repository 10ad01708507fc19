"""JSON Schemas that others wrote: which are taken, what fits them, and how models are told of them."""
