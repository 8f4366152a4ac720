"""What is asked of two endpoints together. Runs last, and where both were asked for."""


def test_local_mode_and_pods_answer_alike(differences):
    """Issue 4: "Where local and pod differ, it fails." """
    assert differences == []
