#!/usr/bin/env bash
# Installs Prometheus and Grafana into one region's cluster, or brings them up to date. Run it once for each region.
#
#     install.sh CLUSTER REGION [--alerts TOPIC_ARN] [--boxes FILE]
#
#     --alerts    topic of that region that Alertmanager tells; without it alerts are seen by whoever looks, and by nobody else
#     --boxes     JSON with what stands in the dashboards' text boxes: `terraform output -json dashboard_boxes`
#
# Needs aws, kubectl, helm and jq, and a role among the cluster's administrators.
set -euo pipefail

usage() {
    echo "usage: $0 CLUSTER REGION [--alerts TOPIC_ARN] [--boxes FILE]" >&2
    exit 2
}

[ $# -ge 2 ] || usage
cluster=$1
region=$2
shift 2
topic=""
boxes=""
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case $1 in
    --alerts) topic=$2 ;;
    --boxes) boxes=$2 ;;
    *) usage ;;
    esac
    shift 2
done
here=$(cd "$(dirname "$0")" && pwd)
# 79 and later have no password of their own for Grafana. Look through a newer chart's changes before raising this.
chart_version=83.7.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export KUBECONFIG=$work/kubeconfig
aws eks update-kubeconfig --name "$cluster" --region "$region" --kubeconfig "$KUBECONFIG" >/dev/null

kubectl apply --filename "$here/storage-class.yaml"
kubectl get namespace monitoring >/dev/null 2>&1 || kubectl create namespace monitoring

# Once, and never again: a second password would not be Grafana's. By a file, because other users see arguments.
if ! kubectl --namespace monitoring get secret grafana-admin >/dev/null 2>&1; then
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$work/password"
    kubectl --namespace monitoring create secret generic grafana-admin \
        --from-literal=admin-user=admin --from-file=admin-password="$work/password"
fi

# Databases of RDS and of Aurora have other metrics, and so a dashboard each. Without --boxes both are installed.
[ -n "$boxes" ] && cp "$boxes" "$work/boxes.json" || echo '{}' >"$work/boxes.json"
kind=$(jq --raw-output '.database_kind // ""' "$work/boxes.json")
for dashboard in "$here"/dashboards/*.json; do
    name=$(basename "$dashboard" .json)
    case $kind:$name in
    rds_replica:*-aurora | aurora_global:database | aurora_global:replication)
        kubectl --namespace monitoring delete configmap "pilotlight-$name" --ignore-not-found
        continue
        ;;
    esac
    jq --slurpfile boxes "$work/boxes.json" '.templating.list |= map($boxes[0][.name] as $told | if $told == null then .
        else .query = $told | .current = { text: $told, value: $told } | .options = [{ selected: true, text: $told, value: $told }] end)' \
        "$dashboard" >"$work/$name.json"
    kubectl create configmap "pilotlight-$name" --namespace monitoring --from-file="$work/$name.json" --dry-run=client --output yaml \
        | kubectl label --local --filename - grafana_dashboard=1 --output yaml \
        | kubectl annotate --local --filename - grafana_folder=Pilotlight --output yaml \
        | kubectl apply --server-side --filename -
done

# Lists of a chart's values are replaced as a whole, so what the chart sends nowhere is said again: alerts that always fire.
if [ -n "$topic" ]; then
    cat >"$work/alerts.yaml" <<YAML
alertmanager:
  config:
    route:
      receiver: notices
      group_by: [namespace, alertname]
      routes:
        - receiver: nobody
          matchers: ['alertname =~ "Watchdog|InfoInhibitor"']
    receivers:
      - name: nobody
      - name: notices
        sns_configs:
          - topic_arn: $topic
            subject: '{{ .Status }}: {{ .CommonLabels.alertname }} ($region)'
            sigv4:
              region: $region
YAML
else
    echo "Alerts of this cluster reach nobody: no --alerts." >&2
    echo '{}' >"$work/alerts.yaml"
fi

helm upgrade monitoring kube-prometheus-stack \
    --install --namespace monitoring --version "$chart_version" \
    --repo https://prometheus-community.github.io/helm-charts \
    --values "$here/values.yaml" --values "$work/alerts.yaml" \
    --set "grafana.additionalDataSources[0].jsonData.defaultRegion=$region" \
    --wait --timeout 15m
echo "Grafana: kubectl --namespace monitoring port-forward service/grafana 3000:80, as admin with the password of"
echo "    kubectl --namespace monitoring get secret grafana-admin --output go-template='{{index .data \"admin-password\" | base64decode}}'"
