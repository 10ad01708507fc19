"""Invented people. Every full name is used once across all tenants, so "open the page of <name>" has one answer."""

from collections.abc import Iterator
from random import Random

FIRST = """
Aaliyah Adaeze Aiko Alejandra Amara Amir Anouk Anselm Arjun Astrid Ayesha Bao Beatriz Benedikt Bilal Brigid Caio
Carmen Chidi Chiara Cormac Daiyu Dagny Dario Declan Deepika Diego Ebba Efua Eitan Elif Emeka Enzo Esra Farah Felix
Fiona Freya Gael Giulia Goran Greta Hamza Hana Hassan Helena Hiroshi Idris Ifeoma Ilse Ines Isaac Ivana Jamal Jin
Joaquin Jonas Kamala Katya Kenji Khadija Kofi Lars Layla Leila Liam Linh Lucia Maeve Magnus Malik Marisol Mateo Mei
Mira Nadia Naveen Niamh Nikolai Noor Olu Orla Oscar Paloma Pavel Priya Quentin Rafael Rania Rosa Ruben Sadia Samir
Saoirse Selma Sizwe Sofia Tamar Tariq Thandi Tobias Tomoko Uma Valentina Viktor Wanjiru Xavier Yara Yusuf Zainab Zofia
"""

LAST = """
Abebe Acosta Adeyemi Ahmadi Almeida Andersson Aquino Asante Aydin Baptiste Barros Becker Bergman Bianchi Boateng
Brennan Byrne Castillo Chakraborty Chen Costa Dalgaard Delacroix Demir Diallo Doyle Dubois Eriksen Espinoza Farouk
Ferreira Fitzgerald Fontaine Fujita Gallagher Ganguly Georgiou Guerrero Haddad Hansen Hashimoto Hernandez Hoang
Ibrahim Ivanov Iyer Jankowski Johansson Kamau Kapoor Keita Kim Kovac Kowalski Kruger Larsen Lefebvre Lindqvist
Lombardi Mahlangu Marchetti Mbeki Mendes Moreau Morita Mwangi Nakamura Nguyen Novak Obi Okafor Oliveira Osei Ozturk
Papadopoulos Park Patel Petrov Quinn Rahman Ramirez Reyes Rossi Sandoval Santos Sato Schneider Sharma Silva Singh
Sorensen Tanaka Tran Uddin Vargas Vasquez Weber Yamada Yilmaz Zhang Zimmermann
"""


def full_names(seed: str) -> Iterator[str]:
    """Yield every first and last name once, in an order that only `seed` decides."""
    names = [f"{first} {last}" for first in FIRST.split() for last in LAST.split()]
    Random(seed).shuffle(names)
    yield from names
