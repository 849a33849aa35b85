# An Auto Scaling group that follows `latest` of linux-web. The name of the parameter is in the state, not its value: no plan changes after a release.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

variable "image" {
  type    = string
  default = "linux-web"
}

variable "subnet_ids" {
  type = list(string)
}

resource "aws_launch_template" "web" {
  name_prefix   = "${var.image}-"
  image_id      = "resolve:ssm:/packleader/${var.image}/latest"
  instance_type = "t3.small"

  metadata_options {
    http_tokens = "required"
  }
}

resource "aws_autoscaling_group" "web" {
  name                = var.image
  min_size            = 2
  max_size            = 4
  vpc_zone_identifier = var.subnet_ids

  launch_template {
    id      = aws_launch_template.web.id
    version = aws_launch_template.web.latest_version
  }
}

# Replaces the instances after each release and each rollback.
data "aws_partition" "current" {}

data "aws_iam_policy_document" "states" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "events" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "refresh" {
  name_prefix        = "refresh-"
  assume_role_policy = data.aws_iam_policy_document.states.json
}

resource "aws_iam_role_policy" "refresh" {
  role = aws_iam_role.refresh.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "RefreshInstances"
      Effect   = "Allow"
      Action   = "autoscaling:StartInstanceRefresh"
      Resource = aws_autoscaling_group.web.arn
    }]
  })
}

resource "aws_sfn_state_machine" "refresh" {
  name_prefix = "refresh-"
  role_arn    = aws_iam_role.refresh.arn
  definition = jsonencode({
    StartAt        = "Start instance refresh"
    TimeoutSeconds = 28800
    States = {
      "Start instance refresh" = {
        Type     = "Task"
        Resource = "arn:${data.aws_partition.current.partition}:states:::aws-sdk:autoscaling:startInstanceRefresh"
        Parameters = {
          AutoScalingGroupName = aws_autoscaling_group.web.name
          Strategy             = "Rolling"
          Preferences          = { MinHealthyPercentage = 90 }
        }
        TimeoutSeconds = 60
        Retry = [{
          ErrorEquals     = ["States.TaskFailed"]
          IntervalSeconds = 60
          BackoffRate     = 2
          MaxDelaySeconds = 900
          MaxAttempts     = 27
        }]
        End = true
      }
    }
  })
}

resource "aws_iam_role" "rule" {
  name_prefix        = "refresh-rule-"
  assume_role_policy = data.aws_iam_policy_document.events.json
}

resource "aws_iam_role_policy" "rule" {
  role = aws_iam_role.rule.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "StartRefresh"
      Effect   = "Allow"
      Action   = "states:StartExecution"
      Resource = aws_sfn_state_machine.refresh.arn
    }]
  })
}

resource "aws_cloudwatch_event_rule" "latest" {
  name_prefix = "${var.image}-latest-"
  event_pattern = jsonencode({
    source        = ["aws.ssm"]
    "detail-type" = ["Parameter Store Change"]
    detail = {
      name      = ["/packleader/${var.image}/latest"]
      operation = ["Create", "Update"]
      exception = [{ exists = false }]
    }
  })
}

resource "aws_cloudwatch_event_target" "refresh" {
  rule     = aws_cloudwatch_event_rule.latest.name
  arn      = aws_sfn_state_machine.refresh.arn
  role_arn = aws_iam_role.rule.arn
}
