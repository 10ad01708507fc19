"""The log of many processes: what `memory` keeps here, and the same in Redis for those who read elsewhere."""
