#!/usr/bin/env bash
# Installs Prometheus and Grafana into one region's cluster, or brings them up to date. Run it once for each region.
#
#     install.sh CLUSTER REGION
#
# Needs aws, kubectl and helm, and a role among the cluster's administrators.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: $0 CLUSTER REGION" >&2
    exit 2
fi
cluster=$1
region=$2
here=$(cd "$(dirname "$0")" && pwd)
# Look through a newer chart's changes before raising this.
chart_version=77.11.1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export KUBECONFIG=$work/kubeconfig
aws eks update-kubeconfig --name "$cluster" --region "$region" --kubeconfig "$KUBECONFIG" >/dev/null

kubectl apply --filename "$here/storage-class.yaml"
kubectl get namespace monitoring >/dev/null 2>&1 || kubectl create namespace monitoring

for dashboard in "$here"/dashboards/*.json; do
    name=pilotlight-$(basename "$dashboard" .json)
    kubectl create configmap "$name" --namespace monitoring --from-file="$dashboard" --dry-run=client --output yaml \
        | kubectl label --local --filename - grafana_dashboard=1 --output yaml \
        | kubectl annotate --local --filename - grafana_folder=Pilotlight --output yaml \
        | kubectl apply --server-side --filename -
done

helm upgrade monitoring kube-prometheus-stack \
    --install --namespace monitoring --version "$chart_version" \
    --repo https://prometheus-community.github.io/helm-charts \
    --values "$here/values.yaml" \
    --set "grafana.additionalDataSources[0].jsonData.defaultRegion=$region" \
    --wait --timeout 15m
echo "Grafana: kubectl --namespace monitoring port-forward service/grafana 3000:80"
