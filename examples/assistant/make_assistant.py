"""Writes march.csv and june.csv: a made-up assistant that sorts support questions, before and after its users changed. Python 3, nothing else needed."""

import csv
import datetime
import json
import math
import random

TOPICS = {
    "card": ["my card was declined at the shop", "please block my lost card", "when does the new card arrive", "the card reader does not take my card"],
    "loan": ["how much can I borrow for a car", "I want to pay my loan back early", "why did the rate of my loan change", "can I skip one rate this month"],
    "account": ["please close my old account", "I cannot log in to my account", "how do I open a second account", "the balance of my account is wrong"],
    "wallet": ["my wallet shows no coins", "how do I move coins to my wallet", "the transfer of coins is stuck", "what is the fee for selling coins"],
}
OPENINGS = ["", "hello, ", "hi there, ", "good morning, ", "excuse me, ", "one question: ", "I wonder: ", "urgent: ", "once more: "]
ENDINGS = ["", " thanks", " since yesterday", " and nobody answers the phone", ", what should I do now", " and I am not happy", ", please answer soon", " since the last update"]
REFUSAL = "I'm sorry, but I can't help with that."


def rows(seed, start, count, gap, shares, urgent, invalid, refused):
    draw = random.Random(seed)
    at = start
    for _ in range(count):
        at += datetime.timedelta(seconds=round(draw.expovariate(1 / gap), 3))
        topic = draw.choices(list(shares), list(shares.values()))[0]
        question = draw.choice(OPENINGS) + draw.choice(TOPICS[topic]) + draw.choice(ENDINGS)
        centre = [1.0 if list(TOPICS).index(topic) == i % 4 else 0.0 for i in range(8)]
        embedding = [round(c + draw.gauss(0, 0.4), 3) for c in centre]
        logit = draw.gauss(-1, 1.5)
        score = 1 / (1 + math.exp(-logit))
        truth = draw.random() < 1 / (1 + math.exp(-(logit + (urgent if topic == "wallet" else 0))))
        reply = REFUSAL if draw.random() < refused else "We have opened a case for your question about the " + topic + "."
        answer = json.dumps({"topic": topic, "urgent": score >= 0.5})
        if draw.random() < invalid:
            answer = answer[:-2]
        yield {
            "at": at.isoformat(timespec="milliseconds"), "question": question, "reply": reply, "answer": answer, "embedding": json.dumps(embedding),
            "seconds": round(draw.lognormvariate(0.5, 0.4), 3), "score": round(score, 6), "urgent": str(score >= 0.5).lower(), "was_urgent": str(truth).lower(),
            "wrong": int((score >= 0.5) != truth),
        }


def write(path, made):
    made = list(made)
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(made[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(made)


zone = datetime.timezone(datetime.timedelta(hours=1))
write("march.csv", rows(1, datetime.datetime(2026, 3, 2, tzinfo=zone), 400, 3600, {"card": 5, "loan": 3, "account": 2, "wallet": 0}, 0, 0.01, 0.02))
zone = datetime.timezone(datetime.timedelta(hours=2))
write("june.csv", rows(2, datetime.datetime(2026, 6, 1, tzinfo=zone), 400, 2400, {"card": 3, "loan": 2, "account": 2, "wallet": 5}, 4, 0.06, 0.09))
