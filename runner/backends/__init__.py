"""What runs a job: `base` is the contract, `local` this machine, others may come."""
