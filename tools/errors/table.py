"""The advice on messages: why it comes to them, and what to do, by the exception's class.

Of a class the first row counts whose pattern is found in ``path: template``; the last takes all others.
"""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """``cause`` and ``remedy`` of the messages that ``pattern`` finds."""

    pattern: str
    cause: str
    remedy: str


FILE = Advice(
    r"ailed to (open|write)|ailed opening|ould not open|nable to (open|decode)|annot (be read|be written|write"
    r"|read|make)|there is no such|this is a folder|no folder|writing the|SHA-256|npm|MNIST|it does not exist"
    r"|it is a file",
    "The file or folder is not there, is of another kind, is in use, or may not be read or written; or the disk is "
    "full.",
    "Check the name, the rights and the space. A relative name counts from the working folder and, where it is not "
    "found there, from the folders above the prototxt that holds it.",
)
BROKEN = Advice(
    r"broken|truncated|damaged|not a whole|no whole|holds no (records|layers)|is not a |empty|it is no image"
    r"|ould not load|is no (numpy|notebook|Python|Annotated|Datum)|this is no|magic|lacks|in the middle|page …"
    r"|more than one database|holds another|flags …|good record|scans|numbers in",
    "The file was cut short while it was written or copied, was damaged, or is of another kind than its name says.",
    "Look at its size and kind (`ls -l`, `file`), and copy, fetch or make it again.",
)
CHANGED = Advice(
    r"has changed|no longer|keeps no position|carries states|random generator|it had …|another one|resum",
    "A snapshot tells where training was in its data and in its random numbers, and these have changed since.",
    "Put back the data and the net that the training began with, if it is to go on exactly as it would have.",
)
PAIR = Advice(
    r"either|both|once,|once for|twice|at the same time|only one|old name|keep|leave .*out|exactly one"
    r"|for (AnnotatedData|images)|something else than|never knew|instead|1 (mean|pad)_value|1 value or"
    r"|counts?\b.*must|fields of SegNet",
    "Fields exclude each other, belong to another choice, or must be given together or in equal numbers.",
    "Give them as the message says.",
)
WINDOWS = Advice(
    r"sources/windows|window",
    "The list of windows, or a window in it, is not as R-CNN's window files are.",
    "Write the file as R-CNN's scripts do: `# INDEX`, the image, channels, height, width, the number of windows, "
    "and then a line `class overlap x1 y1 x2 y2` for each.",
)
GRADIENT = Advice(
    r"gradient|backpropagate",
    "A loss lies above this bottom and something to learn below it, or force_backward is set, so that a gradient "
    "would be needed that the layer does not have.",
    "Set `propagate_down: false` for this bottom, or feed it from layers without parameters.",
)
NAMES = Advice(
    r"nknown|is not one of|has no (field|blob|layer|method|item)|there is no (type|item|Python)|known types"
    r"|is no (phase|direction)|no (group|output)",
    "A name is written that nothing has: it is misspelt, of another version or fork of Caffe, or of something that "
    "a rule leaves out in this phase.",
    "Write one of the names that there are, as far as the message lists them.",
)

ADVICE: dict[str, list[Advice]] = {
    "FlagError": [
        Advice(
            "",
            "The command line names a command or a flag that there is not, lacks something, or gives a value of "
            "another kind.",
            "See `caffe_lite COMMAND --help`: it lists the flags with their defaults, and how the other arguments "
            "are written.",
        ),
    ],
    "DeviceError": [
        Advice(
            "",
            "A GPU is asked for, and caffe_lite computes on the CPU.",
            "Leave --strict_gpu and --gpu out: the CPU is used, with a warning.",
        ),
    ],
    "DependencyError": [
        Advice(
            "",
            "An optional package or program is needed for this and is not installed here, or cannot do it.",
            "Install what the message names, into the environment that caffe_lite runs in.",
        ),
    ],
    "DivergenceError": [
        Advice(
            "",
            "Numbers have grown beyond float32, mostly because the learning rate is too high for these data and "
            "weights; or the data themselves hold NaN or infinity.",
            "Give a lower base_lr or clip_gradients, and look at the data.",
        ),
    ],
    "SchemaError": [
        FILE,
        Advice(
            r"schema/(text_reader|lexer|scalars|escapes)|UTF-8|binary file",
            "The prototxt is not written as prototxt is: a bracket, a colon or a quote is missing, a name is "
            "misspelt, or a value is of another kind than its field.",
            "Correct the file at the line and column that the message begins with; the caret stands under the "
            "place.",
        ),
        Advice(
            r"caffe_lite/upgrade/",
            "The prototxt is of one of Caffe's older forms, and mixes it with another or says what that form does "
            "not know.",
            "Write the net in one form; `upgrade_net_proto_text` brings whole old ones to the current.",
        ),
        BROKEN,
        Advice(
            "",
            "The message holds numbers or shapes that do not go together, or more than is sensible.",
            "Write or fetch the file again, from the program that made it.",
        ),
    ],
    "GraphError": [
        GRADIENT,
        Advice(
            r"blob\(s\)|makes one top|loss_weight|propagate_down|Too many params|has one top|second top"
            r"|takes the bottoms",
            "A layer's `bottom`, `top`, `param` or `loss_weight` lines are more or fewer than its type takes, "
            "perhaps because a rule leaves out another layer in this phase.",
            "Count these lines of the layer that the message names.",
        ),
        Advice(
            r"in place|multiple sources|Unknown bottom",
            "Layers read and write blobs by their names, in the order of the file; in this phase nobody makes the "
            "blob before, or two do.",
            "Give the blob a name of its own, correct the name, or move the layer that makes it before those that "
            "read it.",
        ),
        Advice(
            r"share|mismatched|in one net|in the other",
            "Two layers or two nets are to share parameters that differ.",
            "Give both layers the same sizes, which num_output, kernel_size and what they read make, or parameters "
            "of their own.",
        ),
        NAMES,
        Advice(
            "",
            "The layers cannot be put together, or not used, in this way.",
            "Change the net as the message says.",
        ),
    ],
    "ParameterError": [
        GRADIENT,
        PAIR,
        NAMES,
        Advice(
            r"caffe_lite/(report|parallel|rng)|python/",
            "A program or a command asks for something with a value that cannot be.",
            "Give a value within the limits that the message names.",
        ),
        Advice(
            "",
            "A field of the prototxt, or one that was left at its default, has a value that cannot be.",
            "Set the field to a value within the limits that the message names.",
        ),
    ],
    "ShapeError": [
        Advice(
            r"is now|now has|cannot change|w(as|ere) made (for|of)",
            "Parameters and sequences keep the sizes that they were made with, and a blob below was reshaped since.",
            "Reshape only the batch size and, below convolutions, height and width; for other sizes make the net "
            "anew.",
        ),
        Advice(
            r"share",
            "Two blobs are to share memory, and differ in size.",
            "Give both layers the same sizes, or parameters of their own.",
        ),
        Advice(
            r"negative|exceeds|are the most|memory_limit",
            "A size is out of all proportion: a field of the prototxt, or a broken file, asks for it.",
            "Look at batch_size, num_output and the shapes that are given as numbers.",
        ),
        Advice(
            r"axes|one axis|is a scalar|spatial|axis 1, which|\((steps|pairs|num|streams),|Reshape|order of"
            r"|dimensions as",
            "A layer works on blobs of certain axes, such as (num, channels, height, width), and the blob has "
            "others.",
            "Compare with the `Top shape` lines of the log; a Reshape layer before it adds axes of size 1 or joins "
            "some.",
        ),
        Advice(
            r"mean file|channels of|Input layer|images of shape|(un)?signed byte|labels as|n must be|added data"
            r"|expected data",
            "Images, their mean and the net are not of the same sizes.",
            "Bring the images to the size and the channels that the net takes, and make the mean file from the same"
            " images.",
        ),
        Advice(
            r"caffe_lite/report|python/",
            "A program gives arrays, or asks for blobs, whose sizes do not go together.",
            "Give arrays of the shapes that the message names.",
        ),
        Advice(
            "",
            "Two sizes in the net, or in the net and its data, do not go together.",
            "Compare with the `Top shape` lines of the log, and change what makes the blob: num_output, kernel, "
            "stride, pad, the axis, the batch size or the size of the data.",
        ),
    ],
    "DataError": [
        CHANGED,
        Advice(
            r"larger than MNIST|is not MNIST",
            "What the server sent is no file of MNIST's: it may be a page of the network that asks to sign in.",
            "Fetch the four files elsewhere, and put them into the folder that the command was given.",
        ),
        FILE,
        Advice(
            r"caffe_lite/layers/.*(label|index|region|mask|object of|object …|place)|background|a class has the",
            "The data hold a class, an index or a place beyond what the layer was made for; they are counted from "
            "0.",
            "Correct num_output, num_classes or input_dim in the net, or the labels in the data.",
        ),
        BROKEN,
        WINDOWS,
        Advice(
            r"sources/hdf5.*(rows|numbers with)",
            "A dataset is not as the layer reads it: numbers, a row for each example, as many rows in each dataset.",
            "Write the file again that way; `dataset.shape` of h5py tells what there is.",
        ),
        Advice(
            r"labels: expected as many",
            "The file of images and the file of labels are of different sets.",
            "Give the two files of one set.",
        ),
        Advice(
            r"expected (at least|as|…|an image|\d channel|numbers|images)|data field size|pixel|byte, |size|rows",
            "Images or records have other sizes or kinds than the net, the mean or the first of them.",
            "Make all of one size (`convert_imageset --resize_height --resize_width`, or resize in the layer), with"
            " the channels that the net takes.",
        ),
        NAMES,
        Advice(
            r"caffe_lite/commands|python/|report/|notebook/",
            "The command was given a file or a folder that it cannot work with.",
            "Give one as `--help` describes it.",
        ),
        Advice(
            "",
            "The data are not there, or not as the layer or the command reads them.",
            "Look at the file and the line or key that the message names.",
        ),
    ],
    "SnapshotError": [
        Advice(
            r"snapshot/(resume|kept|values|together)|solvers/standing|no place in",
            "What lies beside a solver state for an exact resume is missing, damaged, or of another run, net or "
            "version.",
            "Resume without it, as Caffe does, or from another snapshot; `--snapshot=auto` finds the newest whole "
            "one.",
        ),
        CHANGED,
        Advice(
            r"the snapshot …$",
            "The weights are more than the 2 GB that a binary file of Caffe's holds.",
            "Write HDF5 instead: `snapshot_format: HDF5` in the solver.",
        ),
        FILE,
        BROKEN,
        Advice(
            "",
            "The file was made with another net, or another type of solver, than these.",
            "Use the prototxt and the solver that it was made with, or rename the layers that are to learn from "
            "scratch.",
        ),
    ],
    "RanksError": [
        Advice(
            "",
            "One of the processes that train a net together was killed, or computes something else than the others.",
            "Look at the log of the process that the message names, then go on from the last snapshot: "
            "`--snapshot=auto`.",
        ),
    ],
    "LimitError": [
        Advice(
            r"memory|needs",
            "The net needs more memory than the machine has, or than --memory_limit allows.",
            "Give a smaller batch_size, look at the sizes in the prototxt, or set --memory_limit=none.",
        ),
        Advice(
            "",
            "The net has a Python layer, which runs code, and --no_python_layers refuses these.",
            "Leave the flag out where you trust the prototxt and the code that it names.",
        ),
    ],
    "ExportError": [
        Advice(
            "",
            "The net has something that the other format does not express.",
            "Export another form of the net: without the layer or the parameter that the message names.",
        ),
    ],
    "CallError": [
        FILE,
        Advice(
            "",
            "A program calls pycaffe with something that Caffe does not take either.",
            "Give what the message expects.",
        ),
    ],
    "UserCodeError": [
        Advice(
            "",
            "The class of a Python layer raised an exception.",
            "Correct the class: the last lines of the traceback in the message are its own.",
        ),
    ],
    "BlobSizeError": [
        Advice(
            "",
            "A blob in a file has a shape and numbers that do not go together.",
            "Write the file again.",
        ),
    ],
    "CaffeError": [
        Advice(
            "",
            "What was asked for cannot be done with what was given.",
            "Do as the end of the message says.",
        ),
    ],
}
