"""A cluster in one process, in simulated time: nodes, clients, storage and faults, drawn from one seed."""
