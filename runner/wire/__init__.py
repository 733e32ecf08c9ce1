"""SageMaker and CloudWatch Logs as AWS JSON 1.1 over HTTP: one file per job type, one table of faults."""
