{{/* Names. Kubelambda is installed once per cluster, so the release's name is enough of one. */}}
{{- define "kubelambda.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* What never changes of a component's labels; takes (list $ "gateway"). */}}
{{- define "kubelambda.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: kubelambda
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "kubelambda.labels" -}}
{{- $root := index . 0 -}}
{{ include "kubelambda.selectorLabels" . }}
{{ include "kubelambda.releaseLabels" $root }}
{{- end }}

{{/* The labels that do not depend on the component. */}}
{{- define "kubelambda.releaseLabels" -}}
app.kubernetes.io/part-of: kubelambda
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Labels of an object that belongs to no single component. */}}
{{- define "kubelambda.commonLabels" -}}
app.kubernetes.io/name: kubelambda
app.kubernetes.io/instance: {{ .Release.Name }}
{{ include "kubelambda.releaseLabels" . }}
{{- end }}

{{/* The labels of functions' pods: resources/src/labels.rs. */}}
{{- define "kubelambda.environmentLabels" -}}
app.kubernetes.io/component: environment
app.kubernetes.io/managed-by: kubelambda
{{- end }}

{{/* The image of a program; takes (list $ .Values.gateway.image). */}}
{{- define "kubelambda.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if not $root.Values.image.registry }}
{{- fail "image.registry is required: the registry that your cluster pulls Kubelambda's images from, such as --set image.registry=registry.example.com/team" }}
{{- end }}
{{- $name := printf "%s/%s" (trimSuffix "/" $root.Values.image.registry) $image.repository }}
{{- if $image.digest }}
{{- printf "%s@%s" $name $image.digest }}
{{- else }}
{{- printf "%s:%s" $name ($image.tag | default $root.Values.image.tag | default $root.Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* Pod Security "restricted", and what it leaves open. */}}
{{- define "kubelambda.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "kubelambda.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* What the pods of both components have in common; takes (list $ "gateway"). */}}
{{- define "kubelambda.podSettings" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ include "kubelambda.fullname" $root }}-{{ index . 1 }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "kubelambda.podSecurityContext" $root | nindent 2 }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "kubelambda.selectorLabels" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}

{{/* Both programs answer on their metrics port. */}}
{{- define "kubelambda.probes" -}}
readinessProbe:
  httpGet:
    path: /readyz
    port: metrics
  periodSeconds: 2
  timeoutSeconds: 2
livenessProbe:
  httpGet:
    path: /healthz
    port: metrics
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}

{{/* Who may read metrics. */}}
{{- define "kubelambda.metricsIngress" -}}
- ports:
    - port: metrics
  {{- with .Values.networkPolicy.metricsFrom }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
