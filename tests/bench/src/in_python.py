"""What does a function of the same kind cost to start in Python? It makes the clients, and asks for its first invocation."""

import os
import urllib.request

import boto3

SERVICES = ("ssm", "dynamodb", "sns", "rds", "cloudwatch", "autoscaling", "elbv2", "globalaccelerator", "lambda")
CLIENTS = [boto3.client(service) for service in SERVICES]

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/next"
with urllib.request.urlopen(API) as invocation:
    invocation.read()
