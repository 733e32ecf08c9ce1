"""A compilation that is waited for, and one that is stopped meanwhile."""

from __future__ import annotations

from sagemaker.session import Session

session = Session()


def compile_model(name: str, framework: str) -> None:
    session.compile_model(
        input_model_config={"S3Uri": "s3://bucket/model.tar.gz", "Framework": framework, "DataInputConfig": "{}"},
        output_model_config={"S3OutputLocation": "s3://bucket/compiled", "TargetDevice": "ml_c5"},
        role="arn:aws:iam::123456789012:role/any",
        job_name=name,
        stop_condition={"MaxRuntimeInSeconds": 900},
        tags=[{"Key": "runner:grace-seconds", "Value": "20"}],
    )


compile_model("trees-1", "SKLEARN")
compile_model("waits", "XGBOOST")
session.sagemaker_client.stop_compilation_job(CompilationJobName="waits")
done = session.wait_for_compilation_job("trees-1")
print("\nresult:", done["CompilationJobStatus"], done["ModelArtifacts"]["S3ModelArtifacts"])
stopped = session.wait_for_compilation_job("waits")
print("\nresult:", stopped["CompilationJobStatus"])
