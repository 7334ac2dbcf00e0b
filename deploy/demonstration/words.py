"""Names, trades and subjects to combine: the people and the enterprises are invented."""

from typing import NamedTuple


class Names(NamedTuple):
    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[str, ...]


class Trade(NamedTuple):
    """An industry by its code (SCIAN, four digits) and how an enterprise of it may be called."""

    sector_code: str
    openings: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


NAMES_OF_QUEBEC = Names(
    women=_words(
        "Marie-Ève, Julie, Isabelle, Geneviève, Catherine, Mélanie, Karine, Valérie, Stéphanie, "
        "Annie, Josée, Chantal, Nathalie, Sophie, Émilie, Audrey, Camille, Léa, Rosalie, Noémie, "
        "Florence, Gabrielle, Laurence, Ariane, Maude, Vanessa, Jessica, Andréanne, Sarah, Lucie"
    ),
    men=_words(
        "Martin, Éric, Stéphane, Patrick, François, Mathieu, Jonathan, Maxime, Alexandre, Simon, "
        "Guillaume, Nicolas, Vincent, Olivier, Jérôme, Sébastien, Philippe, Étienne, Gabriel, "
        "Samuel, Antoine, Félix, Xavier, Hugo, Luc, Marc-André, Yves, Benoît, Alain, Daniel"
    ),
    families=_words(
        "Tremblay, Gagnon, Roy, Côté, Bouchard, Gauthier, Morin, Lavoie, Fortin, Gagné, Ouellet, "
        "Pelletier, Bélanger, Lévesque, Bergeron, Leblanc, Paquette, Girard, Simard, Boucher, "
        "Caron, Beaulieu, Cloutier, Dubé, Poirier, Fournier, Lapointe, Leclerc, Lefebvre, Poulin, "
        "Thibault, St-Pierre, Nadeau, Martel, Landry, Bédard, Grenier, Lessard, Bernier, Richard, "
        "Michaud, Hébert, Desjardins, Couture, Turcotte, Lachance, Parent, Blais, Gosselin, Savard"
    ),
)
NAMES_FROM_ELSEWHERE = (
    Names(
        women=_words("Fatima, Amina, Nadia, Samira, Khadija, Leila, Yasmine, Souad, Imane, Houda"),
        men=_words("Mohamed, Karim, Youssef, Rachid, Ahmed, Samir, Mehdi, Nabil, Hassan, Farid"),
        families=_words(
            "Benali, Haddad, Mansouri, El Amrani, Bouzid, Cherif, Saidi, Belkacem, Alaoui, Hamdi"
        ),
    ),
    Names(
        women=_words("Marie-Lourdes, Nadège, Guerda, Mirlande, Rose-Laure, Fabiola, Ketsia"),
        men=_words("Jean-Robert, Wilner, Frantz, Emmanuel, Ronald, Stanley, Jocelyn, Réginald"),
        families=_words("Pierre-Louis, Joseph, Charles, Estimé, Desrosiers, Toussaint, Augustin"),
    ),
    Names(
        women=_words("Aïssatou, Mariam, Awa, Grâce, Clarisse, Divine, Aminata, Solange, Bintou"),
        men=_words("Mamadou, Ibrahima, Serge, Patrice, Moussa, Didier, Abdoulaye, Blaise, Alpha"),
        families=_words("Diallo, Traoré, Ndiaye, Mbuyi, Kouassi, Koné, Barry, Ngoma, Tshibangu"),
    ),
    Names(
        women=_words("María, Carolina, Paola, Luz, Adriana, Gabriela, Claudia, Daniela, Valentina"),
        men=_words("Carlos, Juan, Luis, Andrés, Jorge, Diego, Felipe, Ricardo, Mateo, Javier"),
        families=_words("García, Rodríguez, Martínez, López, Ramírez, Castillo, Morales, Vargas"),
    ),
    Names(
        women=_words("Thi Lan, Mai, Linh, Hoa, Sokha, Priya, Mei, Shirin, Oksana, Natalia"),
        men=_words("Minh, Tuan, Quang, Vuthy, Arjun, Wei, Reza, Andriy, Mihai, Bogdan"),
        families=_words("Nguyen, Tran, Pham, Chea, Sharma, Chen, Karimi, Kovalenko, Popescu"),
    ),
)

TRADES = (
    Trade("7225", _words("Café, Cuisine, Bistro, Comptoir, Traiteur")),
    Trade("8121", _words("Coiffure, Soins, Esthétique, Barbier")),
    Trade("3118", _words("Boulangerie, Pâtisserie, Chocolaterie")),
    Trade("4451", _words("Épicerie, Marché, Fruiterie")),
    Trade("4581", _words("Boutique, Friperie, Mode")),
    Trade("3399", _words("Atelier, Bijoux, Savonnerie")),
    Trade("2383", _words("Rénovation, Peinture, Finition")),
    Trade("5617", _words("Entretien, Paysages, Déneigement")),
    Trade("8111", _words("Garage, Mécanique, Carrosserie")),
    Trade("1114", _words("Serres, Pépinière, Jardins")),
    Trade("1119", _words("Ferme, Herbes, Érablière")),
    Trade("5414", _words("Studio, Création, Graphisme")),
    Trade("5415", _words("Solutions, Numérique, Logiciels")),
    Trade("5419", _words("Photo, Traduction, Services")),
    Trade("6244", _words("Garderie, Milieu familial")),
    Trade("6213", _words("Massothérapie, Ergothérapie, Clinique")),
    Trade("4841", _words("Transport, Livraison, Messagerie")),
    Trade("7139", _words("Aventures, Plein air, Kayak")),
    Trade("3371", _words("Ébénisterie, Menuiserie, Mobilier")),
    Trade("6116", _words("École, Formation, Ateliers")),
)
CALLINGS = _words(
    "du Quai, des Érables, du Vieux Moulin, de la Côte, Boréal, des Quatre Saisons, du Faubourg, "
    "de l'Anse, Bleu Nordet, des Voisins, du Coin, La Bonne Étoile, Horizon, du Pont, des Deux "
    "Rives, Mélèze, La Marée, du Rang, des Cimes, Cardinal, du Marché, Soleil levant, La Ruche, "
    "du Clocher, Petit Renard, de la Gare, Nouvelle Vague, Trille, du Verger, Harfang"
)
SOCIAL_ECONOMY_OPENINGS = _words("Coopérative, Entreprise d'insertion, Coop de solidarité")

TOPICS_BEFORE = _words(
    "idea, business_plan, market_study, financing, legal_form, pricing, budget, location"
)
TOPICS_AFTER = _words(
    "bookkeeping, cash_flow, marketing, digital_presence, sales, taxes, hiring, suppliers"
)
