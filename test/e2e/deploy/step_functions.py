"""Step Functions as it runs what was deployed: moto's own interpreter, and what it lacks. Every call of it goes through
the gate, with a session of the role that makes it: E2E_GATE is its address."""

import datetime
import json
import os
import sys
import time
import urllib.request

import boto3
from __main__ import addition, detour
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.config import default_user_config
from moto.core.responses import ActionResult, EmptyResult
from moto.events.models import events_backends
from moto.stepfunctions import models
from moto.stepfunctions.responses import StepFunctionResponse
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task, state_task_factory  # noqa: F401
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import StateTaskServiceSfn
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

GATE = os.environ["E2E_GATE"]
# Nothing here takes as long as in AWS, so waits are shortened: a minute becomes a quarter of a second.
SPEED = 240

default_user_config["stepfunctions"] = {"execute_state_machine": True}
# CloudFormation would create machines where they are only remembered.
models.stepfunctions_backends = stepfunctions_parser_backends


def ask(path, document):
    request = urllib.request.Request(f"{GATE}{path}", json.dumps(document).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def client_of(service, region, session):
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=GATE,
        aws_access_key_id=session["accessKeyId"],
        aws_secret_access_key=session["secretAccessKey"],
        aws_session_token=session["sessionToken"],
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=900),
    )


sessions = {}


def session_of(credentials, region):
    """Of the machine's role, or of the role that the task names, which the machine's takes on with the machine's ARN as external id."""
    key = (credentials.machine, credentials.role_arn)
    if key not in sessions:
        own = ask("/-/session", {"role": credentials.machine_role, "service": "states", "source": credentials.machine})
        if credentials.role_arn != credentials.machine_role:
            assumed = client_of("sts", region, own).assume_role(
                RoleArn=credentials.role_arn,
                RoleSessionName=credentials.machine.split(":")[-1],
                ExternalId=credentials.machine,
            )["Credentials"]
            own = {
                "accessKeyId": assumed["AccessKeyId"],
                "secretAccessKey": assumed["SecretAccessKey"],
                "sessionToken": assumed["SessionToken"],
            }
        sessions[key] = own
    return sessions[key]


@addition(state_task.StateTask, "_eval_state_credentials")
def state_credentials(original, self, env):
    """moto's Step Functions forgets which machine it is that takes a role on, and sends no external id: here it does."""
    found = original(self, env)
    found.machine_role = env.aws_execution_details.role_arn
    found.machine = env.states.context_object.context_object_data["StateMachine"]["Id"]
    return found


def boto_client_for(region, service, state_credentials=None):
    """moto calls its own services with no credentials, and in its own account."""
    return client_of(service, region, session_of(state_credentials, region))


def with_case(change, value):
    if isinstance(value, list):
        return [with_case(change, item) for item in value]
    if isinstance(value, dict):
        return {change(key[:1]) + key[1:]: with_case(change, item) for key, item in value.items()}
    return value


detour("moto's Step Functions calls services with no credentials: here each call has a session of the role that makes it.")
detour("moto's Step Functions starts a build and does not wait for it: here codebuild:startBuild.sync follows it.")
detour("moto's Step Functions starts no other machine, for it does not send its parameters as they are called: here it does.")


class CodeBuild(StateTaskServiceCallback):
    """moto passes the call on, and does not wait for the build."""

    def __init__(self):
        # The second one is what moto asks every service that waits for.
        super().__init__({ResourceCondition.Sync, ResourceCondition.WaitForTaskToken})

    def _get_supported_parameters(self):
        return {"ProjectName", "EnvironmentVariablesOverride", "IdempotencyToken", "TimeoutInMinutesOverride"}

    def _failed(self, env, name, error, cause):
        details = TaskFailedEventDetails(
            error=error, cause=cause, resource=self._get_sfn_resource(), resourceType=self._get_sfn_resource_type()
        )
        return FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )

    def _from_error(self, env, ex):
        if not isinstance(ex, ClientError):
            return super()._from_error(env=env, ex=ex)
        code = ex.response["Error"]["Code"]
        error = f"CodeBuild.{code if code.endswith('Exception') else code + 'Exception'}"
        return self._failed(env, CustomErrorName(error), error, ex.response["Error"]["Message"])

    def _eval_service_task(self, env, resource_runtime_part, normalised_parameters, state_credentials):
        codebuild = boto_client_for(resource_runtime_part.region, "codebuild", state_credentials)
        env.stack.append({"Build": codebuild.start_build(**with_case(str.lower, normalised_parameters))["build"]["id"]})

    def _build_sync_resolver(self, env, resource_runtime_part, normalised_parameters, state_credentials):
        build_id = env.stack.pop()["Build"]

        def resolve():
            codebuild = boto_client_for(resource_runtime_part.region, "codebuild", state_credentials)
            build = codebuild.batch_get_builds(ids=[build_id])["builds"][0]
            if build["buildStatus"] == "IN_PROGRESS":
                return None
            result = json.loads(json.dumps({"Build": with_case(str.upper, build)}, default=milliseconds))
            if build["buildStatus"] == "SUCCEEDED":
                return result
            failed = StatesErrorName(StatesErrorNameType.StatesTaskFailed)
            raise FailureEventException(
                self._failed(env, failed, StatesErrorNameType.StatesTaskFailed.to_name(), json.dumps(result))
            )

        return resolve


class Executions(StateTaskServiceSfn):
    """moto sends the names of a state's parameters as they are, and looks for names in the answer that boto does not give."""

    def _eval_service_task(self, env, resource_runtime_part, normalised_parameters, state_credentials):
        states = boto_client_for(resource_runtime_part.region, "stepfunctions", state_credentials)
        given = {key[:1].lower() + key[1:]: value for key, value in normalised_parameters.items()}
        started = states.start_execution(**given)
        env.stack.append({"ExecutionArn": started["executionArn"], "StartDate": milliseconds(started["startDate"])})

    def _normalise_response(self, response, boto_service_name=None, service_action_name=None):
        for key in list(response):
            value = response.pop(key)
            named = key[:1].upper() + key[1:]
            response[named] = milliseconds(value) if isinstance(value, datetime.datetime) else value


def milliseconds(value):
    return int(value.timestamp() * 1000)


original_service_for = state_task_service_factory.state_task_service_for


def service_for(service_name):
    own = {"codebuild": CodeBuild, "states": Executions}.get(service_name)
    return own() if own else original_service_for(service_name)


for module in [module for name, module in sys.modules.items() if name.startswith("moto.stepfunctions")]:
    if hasattr(module, "boto_client_for"):
        module.boto_client_for = boto_client_for
    if hasattr(module, "state_task_service_for"):
        module.state_task_service_for = service_for


class ShortTime:
    time = staticmethod(time.time)

    @staticmethod
    def sleep(seconds):
        time.sleep(seconds / SPEED)


retrier_decl.time = ShortTime


@addition(WaitFunction, "_wait_interval")
def wait_interval(original, self, env, wait_seconds):
    """moto waits as long as AWS; here a minute is a quarter of a second."""
    env.program_state_event.wait(wait_seconds / SPEED)


@addition(ExecutionWorker, "_get_evaluation_environment")
def evaluation_environment(original, self):
    """moto redrives nothing, and says nothing of it in the context object either."""
    found = original(self)
    found.states.context_object.context_object_data["Execution"]["RedriveCount"] = 0
    return found


@addition(StepFunctionResponse, "get_execution_history")
def execution_history(original, self):
    """moto tells all of a history at once, oldest first: here it is told in pages, and newest first where that is asked for."""
    arn = self._get_param("executionArn")
    events = list(self.stepfunction_backend.get_execution_history(arn)["events"])
    is_reversed = bool(self._get_param("reverseOrder"))
    token = self._get_param("nextToken")
    if is_reversed:
        events.reverse()
    if token is not None:
        events = [one for one in events if (one["id"] < int(token)) == is_reversed and one["id"] != int(token)]
    size = int(self._get_param("maxResults") or 100)
    page = {"events": events[:size]}
    if len(events) > size:
        page["nextToken"] = str(page["events"][-1]["id"])
    return ActionResult(page)


@addition(StepFunctionResponse, "send_task_failure")
def send_task_failure(original, self):
    """moto forgets the cause of a task that somebody lets fail by its token."""
    error, cause = self._get_param("error"), self._get_param("cause")
    self.stepfunction_backend.send_task_failure(self._get_param("taskToken"), error=error, cause=cause)
    return EmptyResult()


@addition(Execution, "stop")
def stop(original, self, *args, **kwargs):
    """moto ends an execution that is stopped while a task waits as FAILED: here it ends as ABORTED."""
    self.was_stopped = True
    return original(self, *args, **kwargs)


@addition(BaseExecutionWorkerCommunication, "terminated")
def terminated(original, self):
    """moto tells nobody that an execution has ended: here EventBridge is told."""
    original(self)
    of = self.execution
    if getattr(of, "was_stopped", False) and of.exec_status != ExecutionStatus.SUCCEEDED:
        of.exec_status, of.error, of.cause = ExecutionStatus.ABORTED, None, None
    detail = {
        "executionArn": of.exec_arn,
        "stateMachineArn": of.state_machine.arn,
        "name": of.name,
        "status": of.exec_status.value,
        "startDate": milliseconds(of.start_date),
        "stopDate": milliseconds(of.stop_date),
    }
    event = {"Source": "aws.states", "DetailType": "Step Functions Execution Status Change", "Detail": json.dumps(detail)}
    events_backends[of.account_id][of.region_name].put_events([event])
