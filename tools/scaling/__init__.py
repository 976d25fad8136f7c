"""How a training on many ranks scales; ``docs/scaling.md`` shows what comes out.

- ``python -m tools.scaling`` predicts iterations of many ranks: ``model.py`` plays one, with the messages of
  ``traffic.py``, on the networks of ``plan.py``; ``picture.py`` draws them;
- ``measure.py`` finds what the model needs to know: ``training.py`` and ``messages.py`` run on the ranks,
  ``recorder.py`` watches them, ``profile.py`` and ``fit.py`` sum up what they found;
- ``timeline.py`` draws one iteration of two ranks;
- ``hosts.py`` compares the model with a training over limited links, between the machines of ``namespaces.py``.
"""
