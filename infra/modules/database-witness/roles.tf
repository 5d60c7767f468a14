# What the function may do: log in to its databases as one user, log, and leave what it failed at. Lambda makes its network interfaces with
# the same role, and the function's own code may not.

locals {
  interface_arns = ["arn:${local.partition}:ec2:${local.region}:${local.account}:network-interface/*"]

  statements = [
    {
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${local.log_group_arn}:*"]
    },
    {
      Sid      = "DeadLetters"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = [local.dead_letter_arn]
    },
    {
      Sid      = "LogIn"
      Effect   = "Allow"
      Action   = ["rds-db:connect"]
      Resource = [for name in sort(keys(var.databases)) : "arn:${local.partition}:rds-db:${local.region}:${local.account}:dbuser:${var.databases[name].resource_id}/${var.user}"]
    },
    {
      Sid    = "LookAtInterfaces"
      Effect = "Allow"
      # "*": neither of these describing actions has resource types.
      Action    = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = local.region } }
    },
    # EC2 makes up an interface's id. Where one may be made, and with which group, is exact.
    {
      Sid    = "MakeInterfaces"
      Effect = "Allow"
      Action = ["ec2:CreateNetworkInterface"]
      Resource = concat(local.interface_arns,
        [for id in var.subnet_ids : "arn:${local.partition}:ec2:${local.region}:${local.account}:subnet/${id}"],
      ["arn:${local.partition}:ec2:${local.region}:${local.account}:security-group/${aws_security_group.this.id}"])
    },
    {
      Sid      = "KeepInterfaces"
      Effect   = "Allow"
      Action   = ["ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"]
      Resource = local.interface_arns
    },
    # Lambda needs these and the function does not: a call from its own code carries this key, Lambda's own calls do not.
    {
      Sid    = "NotFromTheFunction"
      Effect = "Deny"
      Action = [
        "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets", "ec2:DetachNetworkInterface", "ec2:UnassignPrivateIpAddresses",
      ]
      Resource  = "*"
      Condition = { ArnEquals = { "lambda:SourceFunctionArn" = local.function_arn } }
    },
  ]

  # An encrypted queue asks for the caller's right to use its key.
  key_statements = [for arn in var.kms_key_arn[*] : {
    Sid      = "Keys"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = [arn]
  }]

  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.statements, local.key_statements) })
}

# IAM is global: the name holds the region, so that both sides can have their own.
resource "aws_iam_role" "this" {
  name                 = "${local.function_name}-${local.region}"
  description          = "Execution role of the function ${local.function_name} in ${local.region}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    # Lambda documents no source for taking a function's execution role. What bounds it is who may pass the role: iam:PassRole.
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "this" {
  name   = "witness"
  role   = aws_iam_role.this.name
  policy = local.policy

  lifecycle {
    precondition {
      condition     = length(local.policy) <= 10240
      error_message = "databases: the policy of ${local.function_name} would have ${length(local.policy)} characters, and IAM allows a role's own policies 10,240: ${length(var.databases)} are too many for exact ARNs. Leave some of them out."
    }
  }
}
