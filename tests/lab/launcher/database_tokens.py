"""May the holder of this token log in as this role, by IAM database authentication?"""

from __future__ import annotations

import logging
from typing import Any

from ministack.core import iam_evaluator, rds_iam
from ministack.core.responses import request_scope

logger = logging.getLogger("lab.databases")

Instance = dict[str, Any]
Place = tuple[str, int]


def is_good(instance: Instance, account: str, region: str, places: set[Place], user: str, token: str) -> bool:
    """Whether the token was signed for this role and one of these addresses of the instance, less than 15
    minutes ago, with keys of the account that may connect. The log says why one is refused, and never what it
    is."""
    refusal = _refusal(instance, account, region, places, user, token)
    if refusal is not None:
        name = instance["DBInstanceIdentifier"]
        logger.warning("a login as %r at %s in %s was refused: %s", user, name, region, refusal)
    return refusal is None


def _refusal(
    instance: Instance, account: str, region: str, places: set[Place], user: str, token: str
) -> str | None:
    if not instance.get("IAMDatabaseAuthenticationEnabled"):
        return "IAM database authentication is off"
    # Sessions of STS are looked up in the account of the request.
    with request_scope(account, region):
        problems = []
        for host, port in places:
            found = rds_iam.verify_rds_iam_token(
                token, hostname=host, port=port, db_user=user, region=region, account_id=account
            )
            if isinstance(found, rds_iam.VerifiedRdsToken):
                return _denial(found, instance, account, region, user)
            problems.append(found.code)
    return ", ".join(dict.fromkeys(problems))


def _denial(
    token: rds_iam.VerifiedRdsToken, instance: Instance, account: str, region: str, user: str
) -> str | None:
    """What IAM has against `rds-db:connect` by the holder."""
    principal = iam_evaluator.resolve_principal(token.access_key_id, account)
    if isinstance(principal, iam_evaluator.AuthError):
        return principal.code
    if principal.account != account:
        return "keys of another account"
    if principal.policies is None:
        return None  # the account's root
    resource = f"arn:aws:rds-db:{region}:{account}:dbuser:{instance['DbiResourceId']}/{user}"
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=account,
        action="rds-db:connect",
        resource_arn=resource,
        region=region,
        principal_keys=principal.keys,
    )
    decision = iam_evaluator.evaluate(context, principal.policies, *principal.limits).decision
    return None if decision == "Allow" else f"{decision} of rds-db:connect on {resource}"
