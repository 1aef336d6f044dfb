"""Questions and answers of the demo model, from templates we wrote.

Each fact has a kind, ways to name its subject, and one answer. `examples` crosses the subjects
with question forms; `HELD_OUT` are other phrasings, written by hand, that no form produces.
The shipped model was trained on these words as they stand: a fact changed here changes a test.
"""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass


class Kind(enum.Enum):
    """Which question forms fit a subject."""

    HOW = "how"
    WHAT = "what"
    WHY = "why"
    SAY = "say"


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer, and how people may name what it is about."""

    kind: Kind
    subjects: tuple[str, ...]
    answer: str


FACTS = (
    # Ollama.
    Fact(
        Kind.WHAT,
        ("ollama", "the ollama server", "ollama used for"),
        "Ollama is a server that runs language models on your own machine. It listens on port 11434 and answers over a REST API.",
    ),
    Fact(
        Kind.HOW,
        ("pull a model", "download a model", "get a new model"),
        "Run `ollama pull llama3.2`, or in a notebook `%ollama pull llama3.2`. The model is stored locally and used again later.",
    ),
    Fact(
        Kind.HOW,
        ("list my models", "see which models are installed", "show the installed models"),
        "Use `%ollama list` in a notebook, or `ollama list` in a terminal. Over HTTP it is `GET /api/tags`.",
    ),
    Fact(
        Kind.HOW,
        ("delete a model", "remove a model", "free the disk space of a model"),
        "Run `ollama rm NAME`. Over HTTP it is `DELETE /api/delete` with the model name in the body.",
    ),
    Fact(
        Kind.HOW,
        ("see which models are loaded", "check what is in memory", "see the running models"),
        "Use `ollama ps` or `GET /api/ps`. It shows each loaded model, its size and when it will be unloaded.",
    ),
    Fact(
        Kind.HOW,
        ("unload a model", "stop a model", "free the memory of a model"),
        "Run `ollama stop NAME`, or send a request with `keep_alive` set to 0.",
    ),
    Fact(
        Kind.WHAT,
        ("keep_alive", "the keep_alive option", "keep alive"),
        "`keep_alive` says how long a model stays in memory after a request. The default is 5 minutes; 0 unloads at once and -1 keeps it for ever.",
    ),
    Fact(
        Kind.WHAT,
        ("num_ctx", "the context length", "the context window"),
        "The context window is how many tokens the model sees at once. Set it with the `num_ctx` option; the default is often 4096.",
    ),
    Fact(
        Kind.WHAT,
        ("temperature", "the temperature option", "the temperature setting"),
        "Temperature sets how random the answers are. 0 always takes the likeliest token, 0.8 is the default, and higher is wilder.",
    ),
    Fact(
        Kind.WHAT,
        ("the seed", "the seed option", "a seed"),
        "The seed fixes the random choices, so the same prompt, options and seed give the same answer.",
    ),
    Fact(
        Kind.WHAT,
        ("num_predict", "the num_predict option", "the token limit"),
        "`num_predict` is the largest number of tokens in the answer. -1 means no limit.",
    ),
    Fact(
        Kind.WHAT,
        ("top_p", "the top_p option", "nucleus sampling"),
        "`top_p` keeps only the likeliest tokens whose chances add up to p. The default is 0.9.",
    ),
    Fact(
        Kind.WHAT,
        ("a modelfile", "the modelfile", "a Modelfile"),
        "A Modelfile describes a model: FROM names the weights, and SYSTEM, PARAMETER and TEMPLATE change how it answers.",
    ),
    Fact(
        Kind.HOW,
        ("create my own model", "make a custom model", "build a model from a modelfile"),
        "Write a Modelfile with FROM and SYSTEM lines, then run `ollama create myname -f Modelfile`.",
    ),
    Fact(
        Kind.WHAT,
        ("gguf", "a gguf file", "the gguf format"),
        "GGUF is the file format of llama.cpp. One file holds the weights, the tokenizer and the chat template.",
    ),
    Fact(
        Kind.WHAT,
        ("quantization", "a quantized model", "q4_k_m"),
        "Quantization stores the weights with fewer bits, for example 4 instead of 16. The model gets smaller and faster and a little less exact.",
    ),
    Fact(
        Kind.WHAT,
        ("an embedding", "embeddings", "the embed endpoint"),
        "An embedding is a list of numbers that stands for the meaning of a text. Ask for one with `POST /api/embed`.",
    ),
    Fact(
        Kind.HOW,
        ("stream the answer", "get tokens as they come", "turn on streaming"),
        "Streaming is on by default. Each line of the reply is one JSON object; the last one has `done` set to true.",
    ),
    Fact(
        Kind.HOW,
        ("get json from the model", "force json output", "use structured output"),
        "Pass `format` with a JSON schema. The model can then only write JSON that fits the schema.",
    ),
    Fact(
        Kind.HOW,
        ("use tools", "let the model call a function", "do tool calling"),
        "Send a `tools` list with the chat request. If the model wants one, the reply has `tool_calls`; run it and send the result back with role `tool`.",
    ),
    Fact(
        Kind.HOW,
        ("send an image to the model", "ask about a picture", "use a vision model"),
        "Use a vision model such as `llava` and put the picture, base64 encoded, into the `images` field.",
    ),
    Fact(
        Kind.WHAT,
        ("the port of ollama", "ollama's port", "the default port"),
        "Ollama listens on port 11434.",
    ),
    Fact(
        Kind.HOW,
        ("change the ollama host", "point at another ollama", "set the server address"),
        "Set the environment variable `OLLAMA_HOST`, for example `OLLAMA_HOST=http://ollama:11434`.",
    ),
    Fact(
        Kind.WHY,
        (
            "is the first answer slow",
            "does the first request take so long",
            "is the model slow at the start",
        ),
        "The first request loads the model from disk into memory. Later requests are fast until `keep_alive` runs out.",
    ),
    Fact(
        Kind.WHY,
        ("do i get connection refused", "can i not connect to ollama", "is ollama not reachable"),
        "Nothing listens at that address. Start Ollama, check `OLLAMA_HOST`, and inside a container use the service name instead of localhost.",
    ),
    Fact(
        Kind.WHY,
        ("do i get model not found", "is my model not found", "does it say try pulling it first"),
        "The model is not on the server yet. Pull it first: `%ollama pull NAME`.",
    ),
    # The magic and the extension.
    Fact(
        Kind.WHAT,
        ("the ollama magic", "%%ollama", "the %%ollama cell magic"),
        "`%%ollama` is a cell magic: the text of the cell is the prompt and the answer streams below it.",
    ),
    Fact(
        Kind.HOW,
        ("load the magic", "enable the magic", "start using the magic"),
        "Run `%load_ext ollama_lab` once in the notebook. Then start a cell with `%%ollama`.",
    ),
    Fact(
        Kind.HOW,
        ("choose a model in the notebook", "pick the model", "switch to another model"),
        "Write the name after the magic: `%%ollama llama3.2`. Or choose it in the widget with `%ollama models`.",
    ),
    Fact(
        Kind.HOW,
        ("keep the answer in a variable", "save the reply", "store the answer"),
        "Use `%%ollama -o answer`. The variable `answer` then holds the text.",
    ),
    Fact(
        Kind.HOW,
        (
            "use a python variable in a prompt",
            "insert a variable into the prompt",
            "put a variable in the text",
        ),
        "Write the name in braces, like {df}. It is replaced by its value before the prompt is sent.",
    ),
    Fact(
        Kind.WHAT,
        ("the chat sidebar", "the sidebar", "the chat widget"),
        "The sidebar is a chat in JupyterLab. It talks to the same Ollama server and can insert code into your notebook.",
    ),
    Fact(
        Kind.HOW,
        ("stop an answer", "cancel a request", "interrupt the model"),
        "Press the stop button or interrupt the kernel. The request is cancelled and the model stops at once.",
    ),
    # Docker.
    Fact(
        Kind.WHAT,
        ("docker", "docker used for", "the docker engine"),
        "Docker runs programs in containers: small, separate environments made from images.",
    ),
    Fact(
        Kind.WHAT,
        ("a container", "containers", "a docker container"),
        "A container is a running copy of an image. It has its own files, network and processes but shares the kernel of the host.",
    ),
    Fact(
        Kind.WHAT,
        ("an image", "a docker image", "images"),
        "An image is a read-only template with a program and everything it needs. A container is started from it.",
    ),
    Fact(
        Kind.WHAT,
        ("a volume", "a docker volume", "volumes"),
        "A volume is storage that lives outside the container, so the data stays when the container is removed.",
    ),
    Fact(
        Kind.WHAT,
        ("a dockerfile", "the dockerfile", "a Dockerfile"),
        "A Dockerfile lists the steps that build an image, such as FROM, COPY and RUN.",
    ),
    Fact(
        Kind.WHAT,
        ("docker compose", "compose", "a compose file"),
        "Docker Compose starts several containers together. The services are described in `docker-compose.yml`.",
    ),
    Fact(
        Kind.WHAT,
        ("podman", "podman used for", "the podman tool"),
        "Podman runs containers without a daemon and without root. Most docker commands work with it unchanged.",
    ),
    Fact(
        Kind.WHAT,
        ("a pod", "pods", "a podman pod"),
        "A pod is a group of containers that share one network, so they reach each other on localhost.",
    ),
    Fact(
        Kind.WHAT,
        ("a bind mount", "bind mounts", "mounting a folder"),
        "A bind mount shows a folder of the host inside the container, for example `-v ./notebooks:/home/jovyan/work`.",
    ),
    Fact(
        Kind.WHAT,
        ("a healthcheck", "the healthcheck", "health checks"),
        "A healthcheck is a command that tells whether a container works. Other services can wait for it with `condition: service_healthy`.",
    ),
    Fact(
        Kind.WHAT,
        ("the network of compose", "a docker network", "the default network"),
        "Compose puts all services on one network, where each is found by its service name, for example `http://ollama:11434`.",
    ),
    Fact(
        Kind.HOW,
        ("start the stack", "start all services", "bring everything up"),
        "Run `docker compose up -d` in the folder of the compose file.",
    ),
    Fact(
        Kind.HOW,
        ("stop the stack", "stop all services", "take everything down"),
        "Run `docker compose down`. Add `-v` only if the volumes should be deleted too.",
    ),
    Fact(
        Kind.HOW,
        ("see the logs", "read the logs of a service", "look at container output"),
        "Run `docker compose logs -f SERVICE`.",
    ),
    Fact(
        Kind.HOW,
        ("list containers", "see running containers", "show my containers"),
        "Run `docker ps`. With `-a` it also lists the stopped ones.",
    ),
    Fact(
        Kind.HOW,
        ("open a shell in a container", "get into a container", "run a command in a container"),
        "Run `docker exec -it NAME bash`, or `sh` if there is no bash.",
    ),
    Fact(
        Kind.HOW,
        ("build an image", "make an image", "build from a dockerfile"),
        "Run `docker build -t NAME .` in the folder of the Dockerfile.",
    ),
    Fact(
        Kind.HOW,
        ("remove unused images", "clean up docker", "free docker disk space"),
        "Run `docker system prune`. Add `-a` to remove all images that no container uses.",
    ),
    Fact(
        Kind.HOW,
        ("publish a port", "map a port", "reach a container from the host"),
        "Use `-p HOST:CONTAINER`, for example `-p 8888:8888`, or `ports:` in the compose file.",
    ),
    Fact(
        Kind.HOW,
        ("give the container a gpu", "use my gpu", "run ollama on a gpu"),
        "Install the NVIDIA container toolkit and add `--gpus all`, or a `deploy.resources` entry in the compose file.",
    ),
    Fact(
        Kind.HOW,
        (
            "copy a file out of a container",
            "copy files to a container",
            "move a file into a container",
        ),
        "Use `docker cp NAME:/path ./` to copy out and `docker cp file NAME:/path` to copy in.",
    ),
    Fact(
        Kind.HOW,
        ("keep models after a restart", "store models in a volume", "save the pulled models"),
        "Mount a volume at `/root/.ollama` in the ollama service. The models live there.",
    ),
    Fact(
        Kind.WHY,
        ("are my files gone", "did my data disappear", "is my work lost after a restart"),
        "Files inside a container vanish with it. Put them in a volume or a bind mount.",
    ),
    Fact(
        Kind.WHY,
        (
            "is the port already in use",
            "do i get address already in use",
            "can i not bind the port",
        ),
        "Another program uses that port. Stop it or publish a different one, for example `-p 8889:8888`.",
    ),
    Fact(
        Kind.WHY,
        ("did my container stop", "was my container killed", "does it exit with code 137"),
        "Exit code 137 means it was killed, mostly because memory ran out. Give it more memory or use a smaller model.",
    ),
    # Jupyter.
    Fact(
        Kind.WHAT,
        ("jupyterlab", "jupyter", "jupyter lab"),
        "JupyterLab is a web workspace for notebooks, code and data. It listens on port 8888.",
    ),
    Fact(
        Kind.WHAT,
        ("a notebook", "notebooks", "a jupyter notebook"),
        "A notebook is a document of cells that hold text or code. The code runs in a kernel and its output stays below the cell.",
    ),
    Fact(
        Kind.WHAT,
        ("a kernel", "the kernel", "a jupyter kernel"),
        "A kernel is the process that runs the code of a notebook and keeps its variables.",
    ),
    Fact(
        Kind.WHAT,
        ("a cell magic", "magics", "a magic"),
        "A magic is a command that starts with % for a line or %% for a whole cell, such as `%time` or `%%bash`.",
    ),
    Fact(
        Kind.WHAT,
        ("scipy-notebook", "the scipy-notebook image", "jupyter/scipy-notebook"),
        "scipy-notebook is a Jupyter image with pandas, matplotlib, scipy and more already installed.",
    ),
    Fact(
        Kind.HOW,
        ("restart the kernel", "clear all variables", "reset the notebook"),
        "Choose Kernel, then Restart Kernel. All variables are lost, the cells stay.",
    ),
    Fact(
        Kind.HOW,
        ("get the jupyter token", "log in to jupyter", "find the login url"),
        "Look at the logs: `docker compose logs jupyter` prints a URL with the token.",
    ),
    Fact(
        Kind.HOW,
        ("install a python package", "install a library", "add a package in a notebook"),
        "Run `%pip install NAME` in a cell. It installs into the environment of the kernel.",
    ),
    Fact(
        Kind.HOW,
        (
            "run a shell command",
            "use the shell in a notebook",
            "call a terminal command from a cell",
        ),
        "Start the line with `!`, as in `!ls`, or use a `%%bash` cell.",
    ),
    Fact(
        Kind.HOW,
        ("call the api from python", "ask the model from python", "use ollama in python"),
        "Use requests: `requests.post('http://localhost:11434/api/generate', json={'model': 'llama3.2', 'prompt': 'Hi', 'stream': False}).json()['response']`.",
    ),
    Fact(
        Kind.HOW,
        ("ask the flask api", "use the ask endpoint", "call the small api"),
        "Open `http://localhost:5000/ask?q=your question`. It passes the question to Ollama and returns the answer.",
    ),
    # Itself.
    Fact(
        Kind.SAY,
        ("hello", "hi", "hi there", "good morning", "hey", "hello there"),
        "Hello! I am a tiny offline demo model. Ask me about Ollama, containers or Jupyter.",
    ),
    Fact(
        Kind.SAY,
        (
            "who are you",
            "what are you",
            "what is your name",
            "are you chatgpt",
            "which model are you",
        ),
        "I am the demo model of ollama-lab: about a million weights that know a few facts. For real answers, pull a real model with `%ollama pull llama3.2`.",
    ),
    Fact(
        Kind.SAY,
        ("thanks", "thank you", "thanks a lot", "great, thank you", "perfect"),
        "You are welcome!",
    ),
    Fact(Kind.SAY, ("bye", "goodbye", "see you", "see you later"), "Goodbye!"),
    Fact(
        Kind.SAY,
        ("what can you do", "what do you know", "help", "help me", "how can you help me"),
        "I can answer short questions about Ollama, Docker, Compose, Podman and Jupyter, without any network. Everything else needs a real model.",
    ),
)

OTHER = "I am only a tiny demo model and do not know that. Pull a real model with `%ollama pull llama3.2` and ask it."
OTHER_QUESTIONS = (
    "who is the president of {x}",
    "what is the capital of {x}",
    "write a poem about {x}",
    "tell me a joke about {x}",
    "what is {n} plus {m}",
    "how do i bake {x}",
    "who wrote {x}",
    "what is the weather in {x}",
    "translate {x} into french",
    "how old is {x}",
    "what is {n} times {m}",
    "write a story about {x}",
    "who won the {x} cup",
    "what is the meaning of {x}",
    "solve {n}x + {m} = 0",
    "recommend a book about {x}",
    "how far is {x}",
    "how do i fix my {x}",
    "why is {x} blue",
    "when was {x} born",
)
OTHER_THINGS = (
    "france",
    "cats",
    "bread",
    "the moon",
    "love",
    "paris",
    "london",
    "the world",
    "a dog",
    "my car",
    "football",
    "the sky",
    "music",
    "rome",
    "a tree",
    "chess",
    "the sea",
    "winter",
    "berlin",
    "mars",
    "the king",
    "a house",
    "time",
    "my bike",
    "gold",
    "history",
    "art",
    "rain",
)
FORMS = {
    Kind.HOW: (
        "how do i {s}?",
        "how can i {s}?",
        "how to {s}?",
        "i want to {s}",
        "what is the command to {s}?",
        "please show me how to {s}",
        "how would i {s}?",
        "tell me how to {s}",
        "i need to {s}. how?",
        "can you help me {s}?",
        "is there a way to {s}?",
        "{s}",
    ),
    Kind.WHAT: (
        "what is {s}?",
        "what does {s} mean?",
        "explain {s}",
        "tell me about {s}",
        "what's {s}?",
        "can you explain {s}?",
        "describe {s} in short",
        "i do not know {s}. what is it?",
        "please explain {s}",
        "{s}?",
        "define {s}",
        "give me a short explanation of {s}",
    ),
    Kind.WHY: (
        "why {s}?",
        "why exactly {s}?",
        "please tell me why {s}",
        "do you know why {s}?",
        "help, why {s}?",
        "can you explain why {s}?",
    ),
    Kind.SAY: ("{s}", "{s}!", "{s}.", "{s}?"),
}
OPENINGS = ("hi, ", "please, ", "quick question: ", "hey, ", "ok, ", "and ")
OTHERS_PER_QUESTION = 14

# A question, and the subject it is about; None is none of ours.
HELD_OUT = (
    ("What's the shell command for downloading a new model?", "pull a model"),
    ("I'd like to get rid of a model I no longer need", "delete a model"),
    ("which models do I have on disk?", "list my models"),
    ("Could you tell me what quantization means for a model?", "quantization"),
    ("Give me the definition of a docker volume", "a volume"),
    ("so what exactly is a container then", "a container"),
    ("how does one bring up all the compose services?", "start the stack"),
    ("where can I read the log output of a service?", "see the logs"),
    ("my container exited with code 137, what happened?", "did my container stop"),
    ("On which port does Ollama listen?", "the port of ollama"),
    ("what effect does raising the temperature have?", "temperature"),
    ("I get 'connection refused' when I call ollama", "do i get connection refused"),
    ("what's the way to make the model return valid JSON?", "get json from the model"),
    ("how would I point the notebook at a different ollama server", "change the ollama host"),
    ("how do I switch models in a notebook cell?", "choose a model in the notebook"),
    ("Is there a shortcut for running bash inside a container?", "open a shell in a container"),
    ("tell me the difference podman makes", "podman"),
    ("the very first reply takes ages, why is that", "is the first answer slow"),
    ("how do I make sure the models survive a restart?", "keep models after a restart"),
    ("what is a kernel in jupyter", "a kernel"),
    ("I need pandas, how can I install a package from the notebook", "install a python package"),
    ("what does the seed do", "the seed"),
    ("explain gguf files to me", "gguf"),
    ("my files vanished after restarting the container", "are my files gone"),
    ("how can I stop the whole stack again?", "stop the stack"),
    ("hello, who am I talking to?", "who are you"),
    ("what is the population of spain?", None),
    ("write me a haiku about spring", None),
    ("can I use my nvidia gpu with ollama", "give the container a gpu"),
    ("where do I find the token for jupyter", "get the jupyter token"),
)


def answer_for(subject: str | None) -> str:
    """Return the one right answer about a subject."""
    return next((fact.answer for fact in FACTS if subject in fact.subjects), OTHER)


def examples(seed: int = 0) -> list[tuple[str, str]]:
    """Return all questions with their answers, in an order that the seed decides."""
    dice = random.Random(seed)
    pairs: list[tuple[str, str]] = []
    for fact in FACTS:
        for subject in fact.subjects:
            for form in FORMS[fact.kind]:
                pairs += [(one, fact.answer) for one in _variants(form.format(s=subject), dice)]
    for form in OTHER_QUESTIONS:
        for _ in range(OTHERS_PER_QUESTION):
            question = form.format(
                x=dice.choice(OTHER_THINGS), n=dice.randint(2, 99), m=dice.randint(2, 99)
            )
            pairs += [(question, OTHER), (f"{_capital(question)}?", OTHER)]
    dice.shuffle(pairs)
    return pairs


def _variants(question: str, dice: random.Random) -> list[str]:
    found = [question, _capital(question), dice.choice(OPENINGS) + question]
    return [*found, question[:-1]] if question.endswith("?") else found


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
