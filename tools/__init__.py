"""What an assistant can do: toolsets that implement the contract in `agent.toolkit`."""
