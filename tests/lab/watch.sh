#!/usr/bin/env bash
# How are the functions served from source? By `cargo lambda watch`, against the local world that is up: it compiles a
# function when it is first invoked, and again after each change. They see what the deployed ones see, as the account's
# administrator.
set -euo pipefail

fail() {
    echo "error: $1" >&2
    exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
address=127.0.0.1
port=9000

lab=$(python3 tests/target_dir.py)/lab/lab
[ -x "$lab" ] || fail "the lab is not built; start the local world with: make lab"
# One environment serves all functions: they differ in their name, which cargo-lambda sets, and in their time limit, which
# does not apply here. readiness-checker's has one variable more: where the release is written.
variables=$("$lab" environment readiness-checker)
! (exec 3<>"/dev/tcp/$address/$port") 2>/dev/null || fail "port $port of $address is taken; is another make watch running?"

python3 tests/environment.py .lab/build-venv functions/requirements-build.txt
export PATH="$root/.lab/build-venv/bin:$PATH"

# Nothing of the person's own AWS settings may come in between.
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_DEFAULT_REGION "${!AWS_ENDPOINT_URL_@}"
while IFS= read -r variable; do
    export "${variable?}"
done <<<"$variables"
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true

cat <<HELP
The functions are served from source at http://$address:$port, against the world at $AWS_ENDPOINT_URL.
In another terminal, from the checkout's root (the first invocation of a function compiles it, which takes minutes once):

  . .lab/env
  echo '{"command":"status"}' | aws lambda invoke --endpoint-url http://$address:$port --region $AWS_REGION \\
      --cli-read-timeout 0 --function-name alarm-handler --payload fileb:///dev/stdin /dev/stdout | cat

or without the AWS CLI:

  curl --data '{"command":"status"}' http://$address:$port/2015-03-31/functions/alarm-handler/invocations

An event of events/ with the names and the time of this world:

  python3 events/send.py events/sns-metric-alarm.json --to watched

The deployed functions go on beside them; they share the journal. Ctrl-C ends the watch; the world stays up.

HELP
# The quick profile, as the rest of the lab.
exec cargo lambda watch --invoke-address "$address" --invoke-port "$port" --wait --profile lab
