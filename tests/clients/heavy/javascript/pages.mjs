// Pages, by the SDK's own paginators.

import assert from "node:assert/strict";
import * as sagemaker from "@aws-sdk/client-sagemaker";
import { training } from "./requests.mjs";

const client = new sagemaker.SageMakerClient();
for (let number = 0; number < 5; number++) {
  await client.send(new sagemaker.CreateTrainingJobCommand(training(`job-${number}`, "true")));
}
const pages = [];
const wanted = { SortBy: "Name", SortOrder: "Descending", NameContains: "job-" };
for await (const page of sagemaker.paginateListTrainingJobs({ client, pageSize: 2 }, wanted)) {
  pages.push(page.TrainingJobSummaries.map((job) => job.TrainingJobName));
}
assert.deepEqual(pages, [["job-4", "job-3"], ["job-2", "job-1"], ["job-0"]]);
const tags = [];
const ResourceArn = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/job-0";
await client.send(new sagemaker.AddTagsCommand({ ResourceArn, Tags: [{ Key: "team", Value: "a" }] }));
for await (const page of sagemaker.paginateListTags({ client }, { ResourceArn })) tags.push(...page.Tags);
assert.deepEqual(tags.map((tag) => tag.Key), ["runner:grace-seconds", "team"]);
console.log(pages.flat().join(" "));
