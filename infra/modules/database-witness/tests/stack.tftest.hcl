# A witness and the orchestrator in one new stack, where no host, no group and no topic is known yet.

mock_provider "aws" {
  alias = "primary"
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-2" }
  }
}

mock_provider "aws" {
  alias = "recovery"
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-west-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-west-1a", "us-west-1b"] }
  }
}

run "a_witness_and_the_orchestrator_need_each_other_and_plan_together" {
  command   = plan
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  module {
    source = "./tests/stack"
  }
  assert {
    condition     = output.function_arn == "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness"
    error_message = "The orchestrator's policies don't show the witness before it exists."
  }
}
