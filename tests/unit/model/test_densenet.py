"""Our DenseNet-121 is torchvision's."""

from __future__ import annotations

import torch
from torchvision.models import densenet121

from napari_mclstexp.model.densenet import densenet121_features


def test_it_is_torchvisions_by_name_by_value_and_by_seed():
    torch.manual_seed(3)
    theirs = densenet121(weights=None).features.eval()
    after = torch.rand(1)
    torch.manual_seed(3)
    ours = densenet121_features().eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value)
    assert torch.equal(torch.rand(1), after)
    x = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(ours(x), theirs(x))
    assert [name for name, _ in ours.named_modules()] == [
        name for name, _ in theirs.named_modules()
    ]
