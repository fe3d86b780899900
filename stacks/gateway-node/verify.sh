#!/bin/bash
# Asks from outside whether the stack works: both instances pass EC2's status checks, and the gateway answers on 443.
#
#     stacks/gateway-node/verify.sh GATEWAY_ID NODE_ID GATEWAY_IP
#
# Needs the aws command, with the credentials of the account, and openssl. Building OpenClaw takes some minutes after apply.
set -euo pipefail
[ $# -eq 3 ] || { sed -n 's/^# \{0,1\}//; 2,6p' "$0" >&2; exit 2; }

aws ec2 wait instance-status-ok --instance-ids "$1" "$2"
echo "both instances pass their status checks"

for _ in $(seq 60); do
  if openssl s_client -connect "$3:443" </dev/null 2>/dev/null | grep -q "CN *= *openclaw-gateway"; then
    echo "the gateway answers on $3:443 with its certificate"
    exit 0
  fi
  sleep 10
done
echo "the gateway did not answer on $3:443 within ten minutes: see /var/log/cloud-init-output.log on it" >&2
exit 1
