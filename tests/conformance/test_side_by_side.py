"""What is asked of two endpoints together. Runs last, and where both were asked for."""


def test_local_mode_and_pods_answer_alike(differences):
    """This suite: one function is served alike in local mode and in a pod. """
    assert differences == []
