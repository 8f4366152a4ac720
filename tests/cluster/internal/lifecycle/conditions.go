// What the cluster waits for, or adds, through the API server.
package lifecycle

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"kubelambda.dev/cluster/internal/component"
	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/pki"
)

// waitUsable waits until pods can be created and scheduled.
func waitUsable(ctx context.Context, l layout.Layout) error {
	client, err := component.Client(l)
	if err != nil {
		return err
	}
	return waitFor(ctx, startLimit, func(ctx context.Context) error {
		if err := nodeReady(ctx, client); err != nil {
			return fmt.Errorf("%w (see %s)", err, l.Log("kubelet"))
		}
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// nodeReady also expects that the node is without the taint that it has until the controller manager saw it ready.
func nodeReady(ctx context.Context, client kubernetes.Interface) error {
	node, err := client.CoreV1().Nodes().Get(ctx, layout.NodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, taint := range node.Spec.Taints {
		if taint.Key == corev1.TaintNodeNotReady {
			return errors.New("the node still has the taint of one that is not ready")
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type != corev1.NodeReady {
			continue
		}
		if condition.Status == corev1.ConditionTrue {
			return nil
		}
		return fmt.Errorf("the node is not ready: %s", condition.Message)
	}
	return errors.New("the node has not reported yet")
}

// grant gives a user of the certificates its rights: those of an existing role, or those listed.
type grant struct {
	user  string
	role  string
	rules []rbacv1.PolicyRule
}

func grants() []grant {
	read := []string{"get", "list", "watch"}
	return []grant{
		{user: pki.APIServerToNodeUser, role: "system:kubelet-api-admin"},
		{user: pki.ForwarderUser, role: pki.ForwarderUser, rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"services"}, Verbs: []string{"get"}},
		}},
		{user: pki.DNSUser, role: pki.DNSUser, rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"namespaces", "services", "pods", "nodes"}, Verbs: read},
			{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: read},
		}},
	}
}

func grantRights(ctx context.Context, l layout.Layout) error {
	client, err := component.Client(l)
	if err != nil {
		return err
	}
	for _, g := range grants() {
		if err := g.apply(ctx, client); err != nil {
			return fmt.Errorf("grant rights to %s: %w", g.user, err)
		}
	}
	return nil
}

func (g grant) apply(ctx context.Context, client kubernetes.Interface) error {
	if g.rules != nil {
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: g.role}, Rules: g.rules}
		_, err := client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "kubelambda-cluster:" + g.role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: g.role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: g.user}},
	}
	_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
