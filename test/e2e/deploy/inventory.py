"""What stands in an account's region, as the services themselves tell it: `inventory.py <endpoint>`, with the credentials and the region
of the environment, prints one JSON document."""

import json
import sys

import boto3

endpoint = sys.argv[1]


def client(service):
    return boto3.client(service, endpoint_url=endpoint)


def every(service, operation, key, **arguments):
    pages = client(service).get_paginator(operation).paginate(**arguments)
    return [item for page in pages for item in page.get(key, [])]


def document(value):
    return json.loads(value) if isinstance(value, str) else value


def role(found):
    iam = client("iam")
    name = found["RoleName"]
    inline = every("iam", "list_role_policies", "PolicyNames", RoleName=name)
    attached = every("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
    documents = [iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in inline]
    for one in attached:
        arn = one["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        documents.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    return {
        "name": name,
        "arn": found["Arn"],
        "trust": document(found["AssumeRolePolicyDocument"])["Statement"],
        "statements": [statement for one in documents for statement in document(one)["Statement"]],
        # What a person makes has no description here.
        "isDeployed": "Description" in found,
    }


def function(found):
    awslambda = client("lambda")
    name = found["FunctionName"]
    try:
        policy = document(awslambda.get_policy(FunctionName=name)["Policy"])["Statement"]
    except awslambda.exceptions.ResourceNotFoundException:
        policy = []
    return {
        "name": name,
        "arn": found["FunctionArn"],
        "role": found["Role"],
        "handler": found["Handler"],
        "sha256": found["CodeSha256"],
        "runtime": found["Runtime"],
        "timeout": found["Timeout"],
        "environment": found.get("Environment", {}).get("Variables", {}),
        "policy": policy,
        "url": next((one["FunctionUrl"] for one in urls(name)), None),
        "asynchronously": asynchronously(name),
    }


def asynchronously(name):
    try:
        config = client("lambda").get_function_event_invoke_config(FunctionName=name)
    except client("lambda").exceptions.ResourceNotFoundException:
        return None
    return {
        "retries": config["MaximumRetryAttempts"],
        "onFailure": config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
    }


def urls(name):
    awslambda = client("lambda")
    try:
        return [awslambda.get_function_url_config(FunctionName=name)]
    except awslambda.exceptions.ResourceNotFoundException:
        return []


def machine(found):
    described = client("stepfunctions").describe_state_machine(stateMachineArn=found["stateMachineArn"])
    return {
        "name": found["name"],
        "arn": found["stateMachineArn"],
        "role": described["roleArn"],
        "definition": described["definition"],
    }


def bucket(found):
    s3 = client("s3")
    try:
        policy = document(s3.get_bucket_policy(Bucket=found["Name"])["Policy"])["Statement"]
    except s3.exceptions.ClientError:
        policy = []
    return {"name": found["Name"], "policy": policy}


def rule(found):
    targets = client("events").list_targets_by_rule(Rule=found["Name"])["Targets"]
    return {"name": found["Name"], "arn": found["Arn"], "pattern": found.get("EventPattern"), "targets": targets}


def queue(url):
    attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    policy = document(attributes["Policy"])["Statement"] if "Policy" in attributes else []
    return {"arn": attributes["QueueArn"], "url": url, "policy": policy}


def key(found):
    policy = client("kms").get_key_policy(KeyId=found["KeyId"], PolicyName="default")["Policy"]
    return {"arn": found["KeyArn"], "policy": document(policy)["Statement"]}


def stack(found):
    resources = every("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=found["StackName"])
    outputs = client("cloudformation").describe_stacks(StackName=found["StackName"])["Stacks"][0].get("Outputs", [])
    return {
        "name": found["StackName"],
        "status": found["StackStatus"],
        "resources": [{"id": one["LogicalResourceId"], "type": one["ResourceType"]} for one in resources],
        "outputs": {one["OutputKey"]: one["OutputValue"] for one in outputs},
    }


def schedules():
    found = every("scheduler", "list_schedules", "Schedules")
    return [client("scheduler").get_schedule(Name=one["Name"], GroupName=one["GroupName"]) for one in found]


projects = every("codebuild", "list_projects", "projects")
topics = [one["TopicArn"] for one in every("sns", "list_topics", "Topics")]
instance_profiles = every("iam", "list_instance_profiles", "InstanceProfiles")
document_of_all = {
    "stacks": [stack(one) for one in client("cloudformation").describe_stacks()["Stacks"]],
    "roles": [role(one) for one in every("iam", "list_roles", "Roles") if one["RoleName"].startswith("packleader")],
    "instanceProfiles": [
        {"name": one["InstanceProfileName"], "arn": one["Arn"], "roles": [of["Arn"] for of in one["Roles"]]}
        for one in instance_profiles
    ],
    "functions": [function(one) for one in every("lambda", "list_functions", "Functions")],
    "machines": [machine(one) for one in every("stepfunctions", "list_state_machines", "stateMachines")],
    "projects": client("codebuild").batch_get_projects(names=projects)["projects"] if projects else [],
    "buckets": [bucket(one) for one in client("s3").list_buckets()["Buckets"]],
    "rules": [rule(one) for one in every("events", "list_rules", "Rules")],
    "queues": [queue(url) for url in client("sqs").list_queues().get("QueueUrls", [])],
    "topics": topics,
    "alarms": every("cloudwatch", "describe_alarms", "MetricAlarms"),
    "dashboards": [one["DashboardName"] for one in client("cloudwatch").list_dashboards()["DashboardEntries"]],
    "logGroups": [one["logGroupName"] for one in every("logs", "describe_log_groups", "logGroups")],
    "metricFilters": every("logs", "describe_metric_filters", "metricFilters"),
    "scheduleGroups": [one["Arn"] for one in every("scheduler", "list_schedule_groups", "ScheduleGroups")],
    "schedules": schedules(),
    "tables": every("dynamodb", "list_tables", "TableNames"),
    "keys": [key(one) for one in every("kms", "list_keys", "Keys")],
    "parameters": [one["Name"] for one in every("ssm", "describe_parameters", "Parameters")],
}
json.dump(document_of_all, sys.stdout, default=str)
