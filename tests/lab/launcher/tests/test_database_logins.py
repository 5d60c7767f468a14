"""Logins as on RDS: TLS for whoever wants it or must, and tokens of IAM instead of passwords."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import ssl
import tempfile
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import boto3
import pg8000.exceptions
import pg8000.native

from .real_databases import DATABASE, PASSWORD, USER, RealLab, needs_postgres, place_of
from .running_lab import ACCOUNT, PRIMARY, RECOVERY, Function, RunningLab, eventually
from .stack import make_database

CLERK = "clerk"
"""A role that logs in by tokens."""

_NO_ACCESS, _NO_PASSWORD = "28000", "28P01"


@contextlib.contextmanager
def login(
    place: tuple[str, int], user: str, password: str, tls: ssl.SSLContext | None
) -> Iterator[pg8000.native.Connection]:
    """A session as this role, over TLS or without."""
    opened = pg8000.native.Connection(
        user,
        host=place[0],
        port=place[1],
        database=DATABASE,
        password=password,
        timeout=20.0,
        ssl_context=tls if tls is not None else False,
    )
    try:
        yield opened
    finally:
        opened.close()


class Logins(RealLab):
    """What all these tests need."""

    def trusting(self, name: str | None = None) -> ssl.SSLContext:
        """A client that verifies the certificate of a database, and that it is of the address."""
        shown = {entry["name"]: entry for entry in self.lab.control("GET", "databases")}
        return ssl.create_default_context(cafile=shown[name or self.name]["certificate_authority"])

    def assert_refused(
        self,
        code: str,
        words: str,
        place: tuple[str, int],
        user: str,
        password: str,
        tls: ssl.SSLContext | None,
    ) -> None:
        """The server refuses the login with this SQLSTATE and these words."""
        with self.assertRaises(pg8000.exceptions.DatabaseError) as refusal, login(place, user, password, tls):
            pass
        details = refusal.exception.args[0]
        self.assertEqual((details["S"], details["C"]), ("FATAL", code))
        self.assertIn(words, details["M"])


class Encryption(Logins):
    """TLS with a certificate that a client can verify."""

    def test_a_client_verifies_the_server_and_one_without_tls_is_let_in_too(self) -> None:
        place = self.make()
        tls = self.trusting()
        with login(place, USER, PASSWORD, tls) as sql:
            sql.run("INSERT INTO orders VALUES (1)")
            sql.run("INSERT INTO orders SELECT generate_series(2, 20000)")
            self.assertEqual(len(sql.run("SELECT number, repeat('x', 100) FROM orders")), 20_000)
        with login(place, USER, PASSWORD, None) as sql:
            self.assertEqual(sql.run("SELECT count(*) FROM orders"), [[20_000]])
        self.assert_refused(
            _NO_PASSWORD, f'password authentication failed for user "{USER}"', place, USER, "x", tls
        )
        with (
            self.assertRaises(ssl.SSLCertVerificationError),
            login(place, USER, PASSWORD, ssl.create_default_context()),
        ):
            pass

    def test_each_address_has_a_certificate_of_its_own(self) -> None:
        place = self.make()
        address = self.lab.control("GET", f"databases/{PRIMARY}/{self.name}/from/{PRIMARY}")["address"]
        host, _, port = address.partition(":")
        with login((host, int(port)), USER, PASSWORD, self.trusting()) as sql:
            self.assertEqual(sql.run("SELECT 1"), [[1]])
        names = [self.names_of(where) for where in (place, (host, int(port)))]
        self.assertEqual([place[0] in names[0], host in names[0]], [True, False])
        self.assertEqual([place[0] in names[1], host in names[1]], [False, True])

    def names_of(self, place: tuple[str, int]) -> set[str]:
        """The names that the certificate at an address is for."""
        with login(place, USER, PASSWORD, self.trusting()) as sql:
            shown = sql._usock.getpeercert()
        return {value for _kind, value in shown["subjectAltName"]}

    def test_a_parameter_group_can_force_tls(self) -> None:
        self.here.create_db_parameter_group(
            DBParameterGroupName=self.name, DBParameterGroupFamily="postgres16", Description="x"
        )
        self.addCleanup(self.here.delete_db_parameter_group, DBParameterGroupName=self.name)
        self.force("1")
        made = make_database(self.here, self.name, DBName=DATABASE, DBParameterGroupName=self.name)
        self.addCleanup(self.drop, self.here, made["DbiResourceId"])
        place, tls = place_of(made), self.trusting()
        words = (
            f'no pg_hba.conf entry for host "127.0.0.1", user "{USER}", database "{DATABASE}", no encryption'
        )
        self.assert_refused(_NO_ACCESS, words, place, USER, PASSWORD, None)
        with login(place, USER, PASSWORD, tls) as standing:
            self.force("0")

            def is_let_in() -> bool:
                try:
                    with login(place, USER, PASSWORD, None) as sql:
                        return bool(sql.run("SELECT true")[0][0])
                except pg8000.exceptions.DatabaseError as refusal:
                    raise AssertionError(str(refusal)) from refusal

            eventually(is_let_in)
            standing.run("SELECT 1")

    def test_another_parameter_group_counts_from_the_next_reboot_on(self) -> None:
        place = self.make()
        self.here.create_db_parameter_group(
            DBParameterGroupName=self.name, DBParameterGroupFamily="postgres16", Description="x"
        )
        self.addCleanup(self.here.delete_db_parameter_group, DBParameterGroupName=self.name)
        self.force("1")
        self.here.modify_db_instance(
            DBInstanceIdentifier=self.name, DBParameterGroupName=self.name, ApplyImmediately=True
        )
        with login(place, USER, PASSWORD, None) as sql:
            self.assertEqual(sql.run("SELECT 1"), [[1]])
        self.here.reboot_db_instance(DBInstanceIdentifier=self.name)
        self.until_available(self.here, self.name)
        self.assert_refused(_NO_ACCESS, "no encryption", place, USER, PASSWORD, None)
        shown = self.show(self.here, self.name)["DBParameterGroups"]
        self.assertEqual(shown, [{"DBParameterGroupName": self.name, "ParameterApplyStatus": "in-sync"}])

    def force(self, value: str) -> None:
        """Sets `rds.force_ssl` in the test's group."""
        parameter = {"ParameterName": "rds.force_ssl", "ParameterValue": value, "ApplyMethod": "immediate"}
        self.here.modify_db_parameter_group(DBParameterGroupName=self.name, Parameters=[parameter])


class Tokens(Logins):
    """IAM database authentication: one database with a role of `rds_iam`, and a user who may log in as it."""

    place: tuple[str, int]
    resource_id: str
    tls: ssl.SSLContext
    keys: dict[str, str]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        made = make_database(cls.here, "tokens", DBName=DATABASE, EnableIAMDatabaseAuthentication=True)
        cls.addClassCleanup(cls.drop, cls.here, made["DbiResourceId"])
        cls.place, cls.resource_id = place_of(made), made["DbiResourceId"]
        authority = cls.lab.control("GET", "databases")[0]["certificate_authority"]
        cls.tls = ssl.create_default_context(cafile=authority)
        with login(cls.place, USER, PASSWORD, cls.tls) as sql:
            for role in (CLERK, "other"):
                sql.run(f"CREATE ROLE {role} LOGIN PASSWORD 'a-password'")
                sql.run(f"GRANT rds_iam TO {role}")
        cls.keys = cls.user_who_may("tokens-clerk", f"{cls.resource_id}/{CLERK}")

    @classmethod
    def user_who_may(cls, name: str, connect_to: str) -> dict[str, str]:
        """The keys of a user whose policy has `rds-db:connect` for this database user."""
        iam = cls.lab.client("iam")
        iam.create_user(UserName=name)
        resource = f"arn:aws:rds-db:{PRIMARY}:{ACCOUNT}:dbuser:{connect_to}"
        allow = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}

    def token(
        self,
        keys: dict[str, str] | None = None,
        *,
        user: str = CLERK,
        place: tuple[str, int] | None = None,
        region: str = PRIMARY,
    ) -> str:
        """A token as the SDK makes it."""
        host, port = place or self.place
        rds = boto3.client("rds", region_name=region, **(keys or self.keys))
        return str(rds.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user))

    def assert_pam_refuses(self, token: str, user: str = CLERK) -> None:
        """As RDS puts it, whatever is wrong with a token."""
        words = f'PAM authentication failed for user "{user}"'
        self.assert_refused(_NO_ACCESS, words, self.place, user, token, self.tls)

    def test_a_token_lets_its_holder_in_as_the_role_and_nobody_else(self) -> None:
        with login(self.place, CLERK, self.token(), self.tls) as sql:
            self.assertEqual(sql.run("SELECT session_user, current_user"), [[CLERK, CLERK]])
            self.assertEqual(sql.run("SELECT rolsuper FROM pg_roles WHERE rolname = session_user"), [[False]])
        # A token is no ticket: it can be shown again while it is good.
        token = self.token()
        for _ in range(2):
            with login(self.place, CLERK, token, self.tls) as sql:
                self.assertEqual(sql.run("SELECT 1"), [[1]])

    def test_the_address_within_a_region_takes_a_token_for_itself_and_one_for_the_endpoint(self) -> None:
        address = self.lab.control("GET", f"databases/{PRIMARY}/tokens/from/{PRIMARY}")["address"]
        host, _, port = address.partition(":")
        for place in ((host, int(port)), self.place):
            with login((host, int(port)), CLERK, self.token(place=place), self.tls) as sql:
                self.assertEqual(sql.run("SELECT 1"), [[1]])

    def test_a_role_of_rds_iam_has_no_other_way_in(self) -> None:
        self.assert_pam_refuses("a-password")
        self.assert_pam_refuses("")
        words = f'pg_hba.conf rejects connection for host "127.0.0.1", user "{CLERK}"'
        for password in (self.token(), "a-password"):
            self.assert_refused(_NO_ACCESS, words, self.place, CLERK, password, None)

    def test_a_token_for_another_role_host_port_or_region_is_refused(self) -> None:
        host, port = self.place
        other = make_database(
            self.here, "tokens-other", DBName=DATABASE, EnableIAMDatabaseAuthentication=True
        )
        self.addCleanup(self.drop, self.here, other["DbiResourceId"])
        self.assert_pam_refuses(self.token(user="other"))
        for place in (place_of(other), (host, port + 1), ("localhost", port)):
            self.assert_pam_refuses(self.token(place=place))
        self.assert_pam_refuses(self.token(region=RECOVERY))

    def test_an_expired_token_and_one_that_was_touched_are_refused(self) -> None:
        for age, is_good in ((timedelta(minutes=14), True), (timedelta(minutes=16), False)):
            with patch("botocore.auth.get_current_datetime", lambda age=age: self.now() - age):
                token = self.token()
            if is_good:
                with login(self.place, CLERK, token, self.tls) as sql:
                    self.assertEqual(sql.run("SELECT 1"), [[1]])
            else:
                self.assert_pam_refuses(token)
        good = self.token()
        query = urllib.parse.parse_qs(good.partition("?")[2])
        signature = query["X-Amz-Signature"][0]
        self.assert_pam_refuses(good.replace(signature, signature[::-1]))
        self.assert_pam_refuses(good.replace("X-Amz-Expires=900", "X-Amz-Expires=90000"))
        # The right key id, with a secret that isn't its own.
        self.assert_pam_refuses(self.token({**self.keys, "aws_secret_access_key": "x" * 40}))
        self.assert_pam_refuses(self.token({"aws_access_key_id": "AKIANOBODY", "aws_secret_access_key": "x"}))

    @staticmethod
    def now() -> datetime:
        """The time of this process, which the lab shares."""
        return datetime.now(UTC).replace(tzinfo=None)

    def test_a_holder_whose_policy_does_not_name_the_database_user_is_refused(self) -> None:
        for number, connect_to in enumerate((f"{self.resource_id}/other", f"db-ANOTHER/{CLERK}")):
            keys = self.user_who_may(f"tokens-{number}", connect_to)
            self.assert_pam_refuses(self.token(keys))
        wide = self.user_who_may("tokens-wide", f"{self.resource_id}/*")
        for role in (CLERK, "other"):
            with login(self.place, role, self.token(wide, user=role), self.tls) as sql:
                self.assertEqual(sql.run("SELECT session_user"), [[role]])

    def test_a_session_of_a_role_logs_in_with_its_own_token(self) -> None:
        iam = self.lab.client("iam")
        anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [anybody]}
        role = iam.create_role(RoleName="tokens", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        made = self.lab.client("sts").assume_role(RoleArn=role, RoleSessionName="clerk")["Credentials"]
        keys = {
            "aws_access_key_id": made["AccessKeyId"],
            "aws_secret_access_key": made["SecretAccessKey"],
            "aws_session_token": made["SessionToken"],
        }
        self.assert_pam_refuses(self.token(keys))
        resource = f"arn:aws:rds-db:{PRIMARY}:{ACCOUNT}:dbuser:{self.resource_id}/{CLERK}"
        allow = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        iam.put_role_policy(RoleName="tokens", PolicyName="p", PolicyDocument=policy)
        with login(self.place, CLERK, self.token(keys), self.tls) as sql:
            self.assertEqual(sql.run("SELECT session_user"), [[CLERK]])

    def test_a_function_logs_in_with_a_token_of_its_own_role(self) -> None:
        resource = f"arn:aws:rds-db:{PRIMARY}:{ACCOUNT}:dbuser:{self.resource_id}/{CLERK}"
        allow = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}
        for name, policy in (("tokens-may", [allow]), ("tokens-may-not", None)):
            Function(self.lab, name, policy=policy, region=PRIMARY)
            shown = self.lab.control("GET", f"functions/{PRIMARY}/{name}/credentials")
            token = self.token({key.lower(): value for key, value in shown.items()})
            if policy is None:
                self.assert_pam_refuses(token)
            else:
                with login(self.place, CLERK, token, self.tls) as sql:
                    self.assertEqual(sql.run("SELECT session_user"), [[CLERK]])

    def test_no_token_counts_while_iam_authentication_is_off(self) -> None:
        self.switch(False)
        self.addCleanup(self.switch, True)
        self.assert_pam_refuses(self.token())
        self.switch(True)
        with login(self.place, CLERK, self.token(), self.tls) as sql:
            self.assertEqual(sql.run("SELECT 1"), [[1]])

    def switch(self, is_on: bool) -> None:
        """Switches IAM database authentication."""
        self.here.modify_db_instance(
            DBInstanceIdentifier="tokens", EnableIAMDatabaseAuthentication=is_on, ApplyImmediately=True
        )


class LongPaths(Logins):
    """A socket's path may have 107 bytes; a folder's may have more."""

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.mkdtemp(prefix="lab-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        lab = RunningLab(LAB_POSTGRES=needs_postgres(), LAB_STATE_DIR=os.path.join(folder, "x" * 120))
        cls.addClassCleanup(lab.end)
        cls.use(lab)

    def test_a_token_is_good_where_the_state_folder_has_a_long_path(self) -> None:
        made = make_database(self.here, self.name, DBName=DATABASE, EnableIAMDatabaseAuthentication=True)
        place, tls = place_of(made), self.trusting()
        with login(place, USER, PASSWORD, tls) as sql:
            sql.run(f"CREATE ROLE {CLERK} LOGIN")
            sql.run(f"GRANT rds_iam TO {CLERK}")
        root = self.here.generate_db_auth_token(DBHostname=place[0], Port=place[1], DBUsername=CLERK)
        with login(place, CLERK, root, tls) as sql:
            self.assertEqual(sql.run("SELECT session_user"), [[CLERK]])
