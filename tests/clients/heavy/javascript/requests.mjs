// Create requests as users of the JavaScript SDK write them.

const role = "arn:aws:iam::123456789012:role/any";
const grace = [{ Key: "runner:grace-seconds", Value: "20" }];
const resources = { InstanceType: "ml.m5.large", InstanceCount: 1, VolumeSizeInGB: 1 };

/** Runs `command`, or else the image `any`. */
export const training = (name, ...command) => ({
  TrainingJobName: name,
  RoleArn: role,
  AlgorithmSpecification: {
    TrainingInputMode: "File",
    ...(command.length ? { ContainerEntrypoint: command } : { TrainingImage: "any" }),
  },
  OutputDataConfig: { S3OutputPath: "s3://bucket/out" },
  ResourceConfig: resources,
  StoppingCondition: { MaxRuntimeInSeconds: 600 },
  Tags: grace,
});

/** The model has to be in the store. */
export const compilation = (name) => ({
  CompilationJobName: name,
  RoleArn: role,
  InputConfig: { S3Uri: "s3://bucket/model.tar.gz", Framework: "XGBOOST", DataInputConfig: "{}" },
  OutputConfig: { S3OutputLocation: "s3://bucket/compiled", TargetDevice: "ml_c5" },
  StoppingCondition: { MaxRuntimeInSeconds: 900 },
  Tags: grace,
});

/** Two trainings of the image `any` at a time. */
export const tuning = (name) => ({
  HyperParameterTuningJobName: name,
  HyperParameterTuningJobConfig: {
    Strategy: "Random",
    HyperParameterTuningJobObjective: { Type: "Maximize", MetricName: "accuracy" },
    ResourceLimits: { MaxNumberOfTrainingJobs: 4, MaxParallelTrainingJobs: 2 },
    ParameterRanges: { ContinuousParameterRanges: [{ Name: "rate", MinValue: "0.001", MaxValue: "0.1" }] },
  },
  TrainingJobDefinition: {
    AlgorithmSpecification: {
      TrainingImage: "any",
      TrainingInputMode: "File",
      MetricDefinitions: [{ Name: "accuracy", Regex: "accuracy=([0-9.]+)" }],
    },
    RoleArn: role,
    OutputDataConfig: { S3OutputPath: "s3://bucket/out" },
    ResourceConfig: resources,
    StoppingCondition: { MaxRuntimeInSeconds: 600 },
  },
  Tags: grace,
});
