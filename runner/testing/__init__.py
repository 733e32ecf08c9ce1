"""Published for others: the contract that every backend passes, a fake backend, a virtual clock."""
