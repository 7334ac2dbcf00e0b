"""The whole on one machine: processes, faults, starting and stopping."""
