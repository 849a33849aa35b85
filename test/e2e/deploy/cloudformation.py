"""The resource types of packleader's stacks that moto's CloudFormation lacks, and what it does otherwise than CloudFormation.

Each type hands over to the service as moto has it, so that what was created is read back by the service's own API.
"""

import json
from urllib.parse import urlparse

from __main__ import addition, detour
from moto.awslambda.models import lambda_backends
from moto.cloudformation import parsing, utils
from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudwatch.models import Dimension, Metric, MetricDataQuery, MetricStat, cloudwatch_backends
from moto.codebuild.models import codebuild_backends
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.logs.models import LogGroup, logs_backends
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends
from moto.scheduler.models import scheduler_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.ssm.models import ssm_backends

RETAINED = ("Retain", "RetainExceptOnCreate")


def lower(value):
    """CloudFormation's names of properties as a service's API has them: `BuildSpec` is `buildSpec`."""
    if isinstance(value, list):
        return [lower(item) for item in value]
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower(item) for key, item in value.items()}
    return value


def lacking(type_name, name_property=""):
    """Makes a resource type of a class with `make(account, region, name, properties)`, which returns the physical id and what
    Fn::GetAtt finds, and `remove(account, region, physical id, properties)`. An update makes it anew, under the same name."""

    detour(f"moto's CloudFormation creates no {type_name}: here it is handed over to moto's own service.")

    def install(kind):
        class Resource(CloudFormationModel):
            # moto tells by it what belongs to which of its services.
            __module__ = "moto.cloudformation.lacking"

            def __init__(self, properties, physical_resource_id, attributes):
                self.properties = properties
                self.physical_resource_id = physical_resource_id
                self.attributes = attributes

            @staticmethod
            def cloudformation_name_type():
                return name_property

            @staticmethod
            def cloudformation_type():
                return type_name

            @classmethod
            def has_cfn_attr(cls, attr):
                return True

            @classmethod
            def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
                properties = cloudformation_json["Properties"]
                return cls(properties, *kind.make(account_id, region_name, resource_name, properties))

            @classmethod
            def update_from_cloudformation_json(
                cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
            ):
                properties = cloudformation_json["Properties"]
                kind.remove(account_id, region_name, original_resource.physical_resource_id, properties)
                return cls(properties, *kind.make(account_id, region_name, new_resource_name, properties))

            def delete(self, account_id, region_name):
                try:
                    kind.remove(account_id, region_name, self.physical_resource_id, self.properties)
                except (ServiceException, JsonRESTError):
                    # moto removes in any order: what it belongs to is gone, and it with that. What is left is looked for at the end.
                    pass

            def get_cfn_attribute(self, attribute_name):
                return self.attributes[attribute_name]

            def is_created(self):
                return True

        Resource.__name__ = type_name
        kinds.append(Resource)
        return kind

    return install


# moto finds types among the direct subclasses of CloudFormationModel, which are held weakly.
kinds = []


@lacking("AWS::CodeBuild::Project", "Name")
class Project:
    def make(account, region, name, properties):
        given = lower(properties)
        backend = codebuild_backends[account][region]
        made = backend.create_project(
            project_name=name,
            description=given.get("description"),
            # The one name that is otherwise.
            project_source={**given["source"], "buildspec": given["source"]["buildSpec"]},
            artifacts=given["artifacts"],
            environment=given["environment"],
            service_role=given["serviceRole"],
            tags=given.get("tags"),
            cache=given.get("cache"),
            timeout=given.get("timeoutInMinutes"),
            queued_timeout=given.get("queuedTimeoutInMinutes"),
            source_version=given.get("sourceVersion"),
            logs_config=given.get("logsConfig"),
            vpc_config=given.get("vpcConfig"),
        )
        return name, {"Arn": made["arn"]}

    def remove(account, region, name, properties):
        codebuild_backends[account][region].delete_project(name)


def dimensions_of(properties):
    return [Dimension(one["Name"], one["Value"]) for one in properties.get("Dimensions", [])]


def query(properties):
    stat = properties.get("MetricStat")
    metric = stat and Metric(stat["Metric"]["MetricName"], stat["Metric"]["Namespace"], dimensions_of(stat["Metric"]))
    return MetricDataQuery(
        query_id=properties["Id"],
        label=properties.get("Label"),
        period=properties.get("Period"),
        return_data=properties.get("ReturnData"),
        expression=properties.get("Expression"),
        metric_stat=stat and MetricStat(metric, stat["Period"], stat["Stat"], stat.get("Unit")),
    )


@lacking("AWS::CloudWatch::Alarm", "AlarmName")
class Alarm:
    def make(account, region, name, properties):
        alarm = cloudwatch_backends[account][region].put_metric_alarm(
            name=name,
            namespace=properties.get("Namespace"),
            metric_name=properties.get("MetricName"),
            comparison_operator=properties["ComparisonOperator"],
            evaluation_periods=properties["EvaluationPeriods"],
            period=properties.get("Period"),
            threshold=properties.get("Threshold"),
            statistic=properties.get("Statistic"),
            description=properties.get("AlarmDescription"),
            dimensions=dimensions_of(properties),
            metric_data_queries=[query(one) for one in properties.get("Metrics", [])],
            alarm_actions=properties.get("AlarmActions", []),
            ok_actions=properties.get("OKActions", []),
            treat_missing_data=properties.get("TreatMissingData"),
        )
        return name, {"Arn": alarm.alarm_arn}

    def remove(account, region, name, properties):
        cloudwatch_backends[account][region].delete_alarms([name])


@lacking("AWS::Logs::MetricFilter")
class MetricFilter:
    def make(account, region, name, properties):
        group = properties["LogGroupName"]
        logs_backends[account][region].put_metric_filter(
            name, properties["FilterPattern"], group, lower(properties["MetricTransformations"])
        )
        return name, {}

    def remove(account, region, name, properties):
        logs_backends[account][region].delete_metric_filter(name, properties["LogGroupName"])


@lacking("AWS::S3::BucketPolicy")
class BucketPolicy:
    def make(account, region, name, properties):
        bucket = properties["Bucket"]
        policy = json.dumps(properties["PolicyDocument"]).encode()
        s3_backends[account]["aws"].put_bucket_policy(bucket, policy)
        return bucket, {}

    def remove(account, region, bucket, properties):
        s3_backends[account]["aws"].delete_bucket_policy(bucket)


@lacking("AWS::SQS::QueuePolicy")
class QueuePolicy:
    def make(account, region, name, properties):
        policy = json.dumps(properties["PolicyDocument"])
        for url in properties["Queues"]:
            sqs_backends[account][region].set_queue_attributes(url.split("/")[-1], {"Policy": policy})
        return name, {}

    def remove(account, region, name, properties):
        pass


@lacking("AWS::SNS::TopicPolicy")
class TopicPolicy:
    def make(account, region, name, properties):
        for topic in properties["Topics"]:
            sns_backends[account][region].set_topic_attribute(
                topic, "_policy_json", properties["PolicyDocument"]
            )
        return name, {}

    def remove(account, region, name, properties):
        pass


@lacking("AWS::Lambda::EventInvokeConfig")
class EventInvokeConfig:
    def make(account, region, name, properties):
        function = properties["FunctionName"]
        config = {key: value for key, value in properties.items() if key not in ("FunctionName", "Qualifier")}
        lambda_backends[account][region].put_function_event_invoke_config(function, config)
        return name, {}

    def remove(account, region, name, properties):
        lambda_backends[account][region].delete_function_event_invoke_config(properties["FunctionName"])


@lacking("AWS::Lambda::Url")
class Url:
    def make(account, region, name, properties):
        function = properties["TargetFunctionArn"]
        config = lambda_backends[account][region].create_function_url_config(function, properties)
        return function, {"FunctionArn": function, "FunctionUrl": config.url}

    def remove(account, region, function, properties):
        lambda_backends[account][region].delete_function_url_config(function)


@lacking("AWS::Scheduler::ScheduleGroup", "Name")
class ScheduleGroup:
    def make(account, region, name, properties):
        group = scheduler_backends[account][region].create_schedule_group(name, properties.get("Tags", []))
        return name, {"Arn": group.arn}

    def remove(account, region, name, properties):
        scheduler_backends[account][region].delete_schedule_group(name)


@lacking("AWS::Scheduler::Schedule", "Name")
class Schedule:
    def make(account, region, name, properties):
        schedule = scheduler_backends[account][region].create_schedule(
            description=properties.get("Description"),
            end_date=None,
            flexible_time_window=properties["FlexibleTimeWindow"],
            group_name=properties.get("GroupName"),
            kms_key_arn=None,
            name=name,
            schedule_expression=properties["ScheduleExpression"],
            schedule_expression_timezone=properties.get("ScheduleExpressionTimezone"),
            start_date=None,
            state=properties.get("State"),
            target=properties["Target"],
            action_after_completion=None,
        )
        return name, {"Arn": schedule.arn}

    def remove(account, region, name, properties):
        scheduler_backends[account][region].delete_schedule(properties.get("GroupName"), name)


# Nothing of these is anything: where CDK notes what a stack was made with.
EMPTY = ("AWS::CDK::Metadata",)
parsing.NULL_MODELS.extend(EMPTY)
parsing.get_model_list.cache_clear()
parsing.get_model_map.cache_clear()
parsing.get_name_type_map.cache_clear()


def refuse_unknown(original, type_name):
    """moto leaves out what it does not know, with a warning, and the stack is complete all the same."""
    found = original(type_name)
    if found is None and type_name not in parsing.NULL_MODELS:
        raise ValidationError(message=f"Nothing here creates {type_name}.")
    return found


original_class_from_type = parsing.resource_class_from_type
parsing.resource_class_from_type = lambda type_name: refuse_unknown(original_class_from_type, type_name)


@addition(ResourceMap, "_delete_resource")
def delete_resource(original, self, parsed_resource, resource_json):
    """moto keeps what is to be kept only when a whole stack is deleted, and does not know RetainExceptOnCreate."""
    if resource_json.get("DeletionPolicy") not in RETAINED:
        original(self, parsed_resource, resource_json)


@addition(CloudFormationResponse, "_get_param")
def parameter_of_stack(original, self, name, *default):
    """moto takes the change sets of all stacks for one list, and CDK gives each the same name: here the stack's is a part of it."""
    value = original(self, name, *default)
    stack = original(self, "StackName")
    if name != "ChangeSetName" or not value or not stack or value.startswith("arn:"):
        return value
    own = f"{stack.split('/')[1] if stack.startswith('arn:') else stack}-"
    return value if value.startswith(own) else own + value


class ChangeSetNotFound(CloudFormationError):
    code = "ChangeSetNotFound"


def is_there(backend, change_set_name):
    return any(change_set_name in (key, one.change_set_name) for key, one in backend.change_sets.items())


@addition(CloudFormationBackend, "delete_change_set")
def delete_change_set(original, self, change_set_name):
    """moto fails to delete a change set that is not there, which succeeds in AWS."""
    if is_there(self, change_set_name):
        original(self, change_set_name)


@addition(CloudFormationBackend, "describe_change_set")
def describe_change_set(original, self, change_set_name):
    """moto says of a change set that is not there that it is a stack."""
    if not is_there(self, change_set_name):
        raise ChangeSetNotFound(f"ChangeSet [{change_set_name}] does not exist")
    return original(self, change_set_name)


@addition(ChangeSet, "apply")
def apply(original, self):
    """moto tells no outputs of a stack that a change set has made: here they are told."""
    original(self)
    self.stack.template_dict = self.template_dict
    self.stack.output_map = self.stack._create_output_map()


@addition(CloudFormationResponse, "_get_stack_from_s3_url")
def stack_from_s3(original, self, url):
    """moto takes the first part of the host for the bucket; CDK names the endpoint it was given, with the bucket in the path."""
    bucket, key = urlparse(url).path.lstrip("/").split("/", 1)
    return s3_backends[self.current_account][self.partition].get_object(bucket, key).value.decode()


@addition(FakeBucket, "get_permission")
def permission_of_bucket(original, self, action, resource):
    """moto knows no conditions, and takes the denial of what comes without TLS for one of everything."""
    return PermissionResult.NEUTRAL


@addition(LogGroup, "get_cfn_attribute")
def attribute_of_log_group(original, self, attribute_name):
    """moto leaves out the end of a log group's ARN, which CloudFormation has: what is granted is granted on its streams."""
    found = original(self, attribute_name)
    return f"{found}:*" if attribute_name == "Arn" else found


@addition(ResourceMap, "parse_ssm_parameter")
def parse_ssm_parameter(original, self, value, value_type):
    """moto keeps what a parameter of Parameter Store came to for its name, and looks for that when the stack is updated."""
    known = ssm_backends[self._account_id][self._region_name].get_parameter(value)
    return original(self, value, value_type) if known else value


@addition(ResourceMap, "load_parameters")
def load_parameters(original, self):
    """moto makes a list of what is given for a parameter, and not of its default."""
    original(self)
    for name, parameter in self._template.get("Parameters", {}).items():
        value = self.resolved_parameters[name]
        if parameter["Type"] == "CommaDelimitedList" and isinstance(value, str):
            self.resolved_parameters[name] = value.split(",")
    self._parsed_resources.update(self.resolved_parameters)
