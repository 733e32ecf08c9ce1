"""What is true of one job type only: names, ARNs, defaults, command, environment, log group, Describe."""
