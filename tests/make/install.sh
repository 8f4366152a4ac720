# Sourced: how Kubelambda gets into the cluster that `make up` and `make test` use. Needs settings.sh and build.sh.
#
# With KUBECONFIG naming a cluster of your own, no cluster is started and no image pushed; REGISTRY must then name a
# registry and path where the images kubelambda/{operator,gateway,runtime-shim}:dev are. Runtimes are AWS's own images.

OWN_KUBECONFIG=$PWD/$CLUSTER/kubeconfig
if [ -n "${KUBECONFIG:-}" ] && [ "$(realpath -m "$KUBECONFIG")" != "$OWN_KUBECONFIG" ]; then
  CLUSTER_IS_OURS=false
  : "${REGISTRY:?KUBECONFIG names a cluster of your own: set REGISTRY to a registry it pulls from, such as registry.example.com/kubelambda}"
else
  CLUSTER_IS_OURS=true
  export KUBECONFIG=$OWN_KUBECONFIG
fi
ENDPOINT=http://127.0.0.1:9000

start_cluster() { ! $CLUSTER_IS_OURS || cluster start --dir $CLUSTER; }

push_images() { ! $CLUSTER_IS_OURS || { tests/images/push-all && program_images; }; }

# Installs the chart, or upgrades it; pods restart only when an image or a setting has changed.
install_chart() {
  kubectl create namespace kubelambda --dry-run=client -o yaml | kubectl apply -f -
  kubectl label namespace kubelambda default pod-security.kubernetes.io/enforce=restricted --overwrite
  local values=(--values tests/make/values.yaml)
  ! $CLUSTER_IS_OURS || values+=(--set-file registry.caBundle=$CLUSTER/pki/ca.crt)
  $CLUSTER_IS_OURS || values+=(--set image.registry="$REGISTRY" --set runtimes.registry=public.ecr.aws/lambda)
  # The tag stays `dev`, so a changed image must change the pods: its digest is an annotation.
  values+=(--set-string podAnnotations.programs="$(sha256sum $PROGRAMS/{operator,gateway,runtime-shim} | sha256sum | cut -c1-16)")
  helm upgrade --install kubelambda charts/kubelambda --namespace kubelambda --wait --timeout 3m "${values[@]}"
}

# Waits until the gateway answers through the forwarder.
wait_for_gateway() {
  $CLUSTER_IS_OURS || return 0
  for _ in $(seq 300); do
    curl -sf -o /dev/null $ENDPOINT/metrics && return 0
    sleep 0.2
  done
  curl -s $ENDPOINT/metrics
  return 1
}
