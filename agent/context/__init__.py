"""Context: what an assistant is told of its tenant before each turn, fetched by read tools, and kept for as long as each says."""
