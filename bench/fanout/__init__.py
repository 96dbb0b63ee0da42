"""Fan-out near the physical floor: one frame to N WebSockets a second, Lineside and its peers."""
