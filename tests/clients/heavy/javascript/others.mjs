// A compilation and a tuning job from create to stopped.

import assert from "node:assert/strict";
import * as sagemaker from "@aws-sdk/client-sagemaker";
import { compilation, tuning } from "./requests.mjs";
import { until } from "./waiting.mjs";

const client = new sagemaker.SageMakerClient();
const arn = "arn:aws:sagemaker:eu-west-1:123456789012";

const trees = { CompilationJobName: "trees-1" };
const compiling = async () =>
  (await client.send(new sagemaker.DescribeCompilationJobCommand(trees))).CompilationJobStatus;
const { CompilationJobArn } = await client.send(new sagemaker.CreateCompilationJobCommand(compilation("trees-1")));
assert.equal(CompilationJobArn, `${arn}:compilation-job/trees-1`);
await until(compiling, (status) => status === "INPROGRESS");
await client.send(new sagemaker.StopCompilationJobCommand(trees));
console.log(await until(compiling, (status) => status === "STOPPED"));
const { CompilationJobSummaries } = await client.send(new sagemaker.ListCompilationJobsCommand({}));
assert.deepEqual(CompilationJobSummaries.map((job) => job.CompilationJobName), ["trees-1"]);

const search = { HyperParameterTuningJobName: "search-1" };
const tuned = async () => client.send(new sagemaker.DescribeHyperParameterTuningJobCommand(search));
const children = async () => {
  const found = [];
  // A copy: the paginator leaves its last token in the request that it is given.
  const request = { ...search };
  const pages = sagemaker.paginateListTrainingJobsForHyperParameterTuningJob({ client, pageSize: 1 }, request);
  for await (const page of pages) found.push(...page.TrainingJobSummaries);
  return found;
};
await client.send(new sagemaker.CreateHyperParameterTuningJobCommand(tuning("search-1")));
await until(children, (jobs) => jobs.length === 2);
await client.send(new sagemaker.StopHyperParameterTuningJobCommand(search));
const ended = await until(tuned, (job) => job.HyperParameterTuningJobStatus === "Stopped");
assert.equal(ended.TrainingJobStatusCounters.Stopped, 2);
const statuses = (await children()).map((job) => job.TrainingJobStatus);
console.log(ended.HyperParameterTuningJobStatus, ...statuses);
