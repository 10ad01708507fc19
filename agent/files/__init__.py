"""Files that users attach and tools give: taken in, looked at, kept, and told to models."""
