"""What is said about a bad input, by code, in French and English.

The codes of pydantic are mapped to ours by `services.common.validation`; the others are raised by
`services.common.fields` and by the services' own checks.
"""

from services.common.text import Text

MESSAGES: dict[str, Text] = {
    "missing": Text("Ce champ est requis.", "This field is required."),
    "unknown_field": Text("Ce champ n'existe pas ici.", "There is no such field here."),
    "null": Text("Une valeur est requise.", "A value is required."),
    "text.type": Text("Un texte est attendu.", "Text is expected."),
    "text.too_short": Text(
        "Il faut au moins {min_length} caractère(s).", "At least {min_length} character(s)."
    ),
    "text.too_long": Text(
        "Pas plus de {max_length} caractères.", "At most {max_length} characters."
    ),
    "text.control": Text(
        "Le texte contient un caractère de contrôle ou illisible.",
        "The text holds a control or unreadable character.",
    ),
    "text.form": Text("La forme attendue est {pattern}.", "The expected form is {pattern}."),
    "integer.type": Text("Un nombre entier est attendu.", "A whole number is expected."),
    "boolean.type": Text("« true » ou « false » est attendu.", '"true" or "false" is expected.'),
    "number.too_small": Text("La valeur minimale est {bound}.", "The smallest value is {bound}."),
    "number.too_large": Text("La valeur maximale est {bound}.", "The largest value is {bound}."),
    "list.type": Text("Une liste est attendue.", "A list is expected."),
    "list.too_short": Text("Au moins un élément est requis.", "At least one item is required."),
    "list.too_long": Text("Pas plus de {max_length} éléments.", "At most {max_length} items."),
    "object.type": Text("Un objet est attendu.", "An object is expected."),
    "choice": Text("Une de ces valeurs : {expected}.", "One of these values: {expected}."),
    "amount.form": Text(
        "Un montant est une chaîne décimale comme « 1234.50 ».",
        'An amount is a decimal string such as "1234.50".',
    ),
    "amount.decimals": Text(
        "Un montant a deux décimales au plus.", "An amount has at most two decimals."
    ),
    "amount.negative": Text("Un montant ne peut être négatif.", "An amount cannot be negative."),
    "amount.zero": Text("Le montant doit dépasser zéro.", "The amount must be above zero."),
    "amount.too_large": Text(
        "Le montant dépasse la limite de {bound} $.", "The amount is over the limit of ${bound}."
    ),
    "rate.form": Text(
        "Un taux annuel est une chaîne décimale comme « 7.25 » (7,25 %).",
        'A yearly rate is a decimal string such as "7.25" (7.25 %).',
    ),
    "rate.decimals": Text(
        "Un taux a huit décimales au plus.", "A rate has at most eight decimals."
    ),
    "rate.bounds": Text("Un taux est entre 0 et 100.", "A rate is between 0 and 100."),
    "provision.classes_disordered": Text(
        "Les classes vont du retard le plus court au plus long, chacune une fois.",
        "Classes go from the shortest delay to the longest, each once.",
    ),
    "range.reversed": Text(
        "Le maximum est inférieur au minimum.", "The maximum is under the minimum."
    ),
    "date.form": Text(
        "Une date s'écrit AAAA-MM-JJ, par exemple 2026-03-31.",
        "A date is written YYYY-MM-DD, for example 2026-03-31.",
    ),
    "month.form": Text(
        "Un mois s'écrit AAAA-MM, par exemple 2026-03.",
        "A month is written YYYY-MM, for example 2026-03.",
    ),
    "date.impossible": Text("Cette date n'existe pas.", "This date does not exist."),
    "date.bounds": Text(
        "L'année doit être entre 1900 et 2199.", "The year is between 1900 and 2199."
    ),
    "amount.unusual": Text(
        "{shown} $ est loin du montant habituel de la colonne ({usual} $) ; vérifiez la virgule.",
        "${shown} is far from the usual amount of the column (${usual}); check the decimal point.",
    ),
    "date.unusual": Text(
        "L'année {shown} est loin de celle des autres lignes ({usual}).",
        "The year {shown} is far from that of the other rows ({usual}).",
    ),
    "rate.unusual": Text(
        "Un taux de {shown} % par année est inhabituel ; 7 % s'écrit 7 ou 7 %.",
        "A rate of {shown} % a year is unusual; 7 % is written 7 or 7 %.",
    ),
    "date.future": Text(
        "Cette date est dans l'avenir ; un fait s'inscrit quand il a eu lieu.",
        "This date is in the future; a fact is recorded once it has happened.",
    ),
    "identifier.form": Text("Un identifiant UUID est attendu.", "A UUID is expected."),
    "borrower.legal_name": Text(
        "Une personne morale a une dénomination.", "A legal person has a legal name."
    ),
    "loan.disbursed_on_twice": Text(
        "La date de versement du prêt et celle de ses conditions diffèrent.",
        "The disbursement date of the loan and that of its terms differ.",
    ),
    "loan.overdue_interest_not_daily": Text(
        "L'intérêt sur les intérêts échus demande l'intérêt quotidien (interest_accrual : daily) ; "
        "celui d'un échéancier est ce que l'échéancier dit.",
        "Interest on overdue interest needs daily interest (interest_accrual: daily); that of a "
        "schedule is what the schedule says.",
    ),
    "import.too_heavy": Text(
        "Ce fichier fait trop de prêts et d'échéances pour un seul envoi ; envoyez-le en plusieurs "
        "parties.",
        "This file makes too many loans and instalments for one import; send it in several parts.",
    ),
    "region_code.form": Text(
        "Une région est un code officiel à deux chiffres, de 01 à 17.",
        "A region is an official two-digit code, from 01 to 17.",
    ),
    "postal_code.form": Text(
        "Un code postal s'écrit A9A 9A9, ou A9A pour ses trois premiers caractères.",
        "A postal code is written A9A 9A9, or A9A for its first three characters.",
    ),
    "mapping_name.form": Text(
        "Un nom de correspondance s'écrit en minuscules, chiffres et traits d'union : excel-2026.",
        "A mapping's name has lower-case letters, digits and hyphens: excel-2026.",
    ),
    "mapping.conflict": Text(
        "Une correspondance de ce nom existe avec un autre contenu ; pour la changer, envoyez sa "
        "nouvelle version avec PUT.",
        "A mapping of this name exists with other content; to change it, PUT its new version.",
    ),
    "mapping.title_twice": Text(
        "Deux titres de la correspondance se lisent pareil.",
        "Two titles of the mapping read the same.",
    ),
    "mapping.unknown": Text(
        "Aucune correspondance ne porte ce nom pour cette sorte de fichier.",
        "No mapping has this name for this kind of file.",
    ),
    "mapping.twice": Text(
        "Deux correspondances sont nommées pour la même sorte de fichier.",
        "Two mappings are named for the same kind of file.",
    ),
    "neq.form": Text("Un NEQ a dix chiffres.", "A NEQ has ten digits."),
    "sector_code.form": Text(
        "Un code de secteur (SCIAN) a de 1 à 10 chiffres, lettres ou traits d'union.",
        "A sector code (NAICS) has 1 to 10 digits, letters or hyphens.",
    ),
    "value.invalid": Text("Cette valeur n'est pas valable.", "This value is not valid."),
    "body.truncated": Text(
        "L'envoi s'est interrompu avant la fin ; rien n'a été inscrit.",
        "The upload broke off before its end; nothing was recorded.",
    ),
    "cell.error": Text(
        "Cette cellule affiche une erreur ({shown}) ; mettez-y une valeur ou videz-la.",
        "This cell shows an error ({shown}); put a value there or empty it.",
    ),
    "cell.formula": Text(
        "Cette cellule est une formule ; copiez-la et collez-y sa valeur "
        "(collage spécial, valeurs).",
        "This cell is a formula; copy it and paste its value there (paste special, values).",
    ),
    "cell.merged": Text(
        "Cette cellule est vide : elle est fusionnée ({range}), et seule {first} garde la valeur "
        "« {shown} ». Défusionnez-les et répétez la valeur.",
        "This cell is empty: it is merged ({range}), and only {first} keeps the value "
        '"{shown}". Unmerge them and repeat the value.',
    ),
    "cells.merged": Text(
        "Des cellules sont fusionnées ({count}) : {ranges}. Seule la première de chacune porte la "
        "valeur ; les autres sont lues vides.",
        "Some cells are merged ({count}): {ranges}. Only the first of each has the value; the "
        "others are read as empty.",
    ),
    "cell.too_long": Text("Cette cellule est trop longue.", "This cell is too long."),
    "column.duplicate": Text(
        "« {first} » et « {second} » sont lus comme une seule colonne, {meant} ; "
        "n'en gardez qu'une.",
        '"{first}" and "{second}" are read as one column, {meant}; keep only one of them.',
    ),
    "column.ignored": Text(
        "La colonne « {column} » n'est pas de ce fichier ; elle est laissée de côté.",
        'The column "{column}" is not one of this file; it is left out.',
    ),
    "column.misspelt": Text(
        "« {column} » ressemble à {meant}, qui manque : corrigez le titre, "
        "ou renommez cette colonne si elle est autre chose.",
        '"{column}" looks like {meant}, which is absent: mend the title, '
        "or rename this column if it is something else.",
    ),
    "column.missing": Text("La colonne {meant} est requise.", "The column {meant} is required."),
    "column.unnamed": Text(
        "La colonne {position} n'a pas de titre ; elle est laissée de côté.",
        "Column {position} has no title; it is left out.",
    ),
    "dates.day_first": Text(
        "Colonne « {column} » : « {shown} » est lu {read}, le jour d'abord ; aucune date de la "
        "colonne ne dit le contraire.",
        'Column "{column}": "{shown}" is read as {read}, day first; no date of the column '
        "says otherwise.",
    ),
    "dates.month_first": Text(
        "Colonne « {column} » : « {shown} » est lu {read}, le mois d'abord, comme d'autres dates "
        "de la colonne.",
        'Column "{column}": "{shown}" is read as {read}, month first, as other dates of the '
        "column are.",
    ),
    "dates.serials": Text(
        "Colonne « {column} » : « {shown} » est un numéro de jour d'Excel, lu {read}.",
        'Column "{column}": "{shown}" is a day number of Excel, read as {read}.',
    ),
    "dates.times": Text(
        "Colonne « {column} » : l'heure est laissée de côté (« {shown} »).",
        'Column "{column}": the time of day is left out ("{shown}").',
    ),
    "csv.blank_lines": Text(
        "Ce fichier a plus de {lines_max} lignes, presque toutes vides ; effacez celles qui le "
        "sont.",
        "This file has more than {lines_max} lines, nearly all of them blank; delete those.",
    ),
    "csv.malformed": Text(
        "Un guillemet ouvert ici est mal fermé, ou une cellule est trop longue ; "
        "la suite est illisible.",
        "A quotation mark opened here is closed badly, or a cell is huge; the rest cannot be read.",
    ),
    "cursor.foreign": Text(
        "Ce curseur vient d'une autre liste.", "This cursor was given by another list."
    ),
    "header.ambiguous": Text(
        "Les lignes {lines} pourraient toutes être celle des titres ; n'en laissez qu'une.",
        "Lines {lines} could each be the one with the titles; leave only one.",
    ),
    "header.under_others": Text(
        "Les titres sont ceux de la ligne {line} ; ce qui est au-dessus n'est pas lu.",
        "The titles are those of line {line}; what is above them is not read.",
    ),
    "header.too_wide": Text(
        "Pas plus de {columns_max} colonnes.", "At most {columns_max} columns."
    ),
    "import.array": Text(
        "Un tableau JSON est attendu, bien fermé : [{{…}}, {{…}}].",
        "A JSON array is expected, closed: [{{…}}, {{…}}].",
    ),
    "import.empty": Text("Le fichier est vide.", "The file is empty."),
    "import.encoding": Text(
        "Le texte n'est ni de l'UTF-8 ni du Windows-1252 (ligne {line} du fichier) ; "
        "enregistrez-le comme « CSV UTF-8 ».",
        "The text is neither UTF-8 nor Windows-1252 (line {line} of the file); "
        'save it as "CSV UTF-8".',
    ),
    "import.file_dropped": Text(
        "Rien n'a été inscrit de ce fichier et de plus récents ont pris sa place : "
        "seule son empreinte est gardée.",
        "Nothing was recorded from this file and later ones took its place: only its hash is kept.",
    ),
    "import.no_rows": Text(
        "Le fichier n'a que sa ligne de titres.", "The file has only its header."
    ),
    "import.rejected": Text(
        "Rien n'a été inscrit : {rejected} ligne(s) à corriger sur {received}.",
        "Nothing was recorded: {rejected} row(s) to correct out of {received}.",
    ),
    "import.too_many_rows": Text(
        "Un fichier a {rows_max} lignes au plus ; partagez-le.",
        "A file has at most {rows_max} rows; split it.",
    ),
    "row.json": Text(
        "Cette ligne n'est pas un objet JSON en UTF-8.", "This row is not a JSON object in UTF-8."
    ),
    "row.total": Text(
        "Cette ligne est un total : elle est laissée de côté.",
        "This line is a total: it is left out.",
    ),
    "row.cells": Text(
        "Cette ligne a {found} cellule(s) ; les titres en ont {expected}.",
        "This row has {found} cell(s); the header has {expected}.",
    ),
    "workbook.damaged": Text(
        "Ce classeur est incomplet ou abîmé ; enregistrez-le de nouveau et renvoyez-le.",
        "This workbook is incomplete or damaged; save it anew and send it again.",
    ),
    "workbook.doctype": Text(
        "Le classeur contient une déclaration de type de document, qui n'est pas admise : {part}.",
        "The workbook holds a document type declaration, which is not allowed: {part}.",
    ),
    "workbook.form": Text(
        "Ce fichier n'est pas un classeur XLSX ; enregistrez-le comme « Classeur Excel (.xlsx) ».",
        'This file is not an XLSX workbook; save it as "Excel workbook (.xlsx)".',
    ),
    "workbook.locked": Text(
        "Ce classeur est protégé par un mot de passe ; enregistrez-le sans.",
        "This workbook is protected by a password; save it without.",
    ),
    "workbook.macros": Text(
        "Ce classeur contient des macros ; enregistrez-le comme « Classeur Excel (.xlsx) ».",
        'This workbook holds macros; save it as "Excel workbook (.xlsx)".',
    ),
    "sheet.hidden": Text(
        "La feuille masquée « {sheet} » est laissée de côté.",
        'The hidden sheet "{sheet}" is left out.',
    ),
    "sheet.elsewhere": Text(
        "La feuille « {sheet} » n'est pas inscrite : les {shown} s'envoient à part. Renvoyez ce "
        "même classeur comme « {kind} » (kind) : elle y sera lue.",
        'The sheet "{sheet}" is not recorded: {shown} are sent apart. Send this same workbook '
        'as "{kind}" (kind): it will be read there.',
    ),
    "sheet.not_read": Text(
        "Seule la feuille « {read} » est lue ; ne le sont pas : {sheets}. Envoyé comme "
        "« workbook » (kind), un classeur est lu feuille par feuille, selon ce que "
        "chacune contient.",
        'Only the sheet "{read}" is read; not read: {sheets}. Sent as "workbook" (kind), a '
        "workbook is read sheet by sheet, after what each holds.",
    ),
    "sheet.unknown": Text(
        "La feuille « {sheet} » n'est pas reconnue : elle est laissée de côté.",
        'The sheet "{sheet}" is not recognised: it is left out.',
    ),
    "workbook.no_known_sheet": Text(
        "Aucune feuille de ce classeur n'est reconnue. Donnez à chacune le nom de ce qu'elle "
        "contient : {known}.",
        "No sheet of this workbook is recognised. Name each after what it holds: {known}.",
    ),
    "workbook.no_sheet": Text(
        "Ce classeur n'a aucune feuille visible.", "This workbook has no visible sheet."
    ),
    "workbook.part": Text(
        "Le classeur contient un élément qui n'est pas admis : {part}.",
        "The workbook holds something that is not allowed: {part}.",
    ),
    "workbook.texts": Text(
        "Les textes de ce classeur dépassent {megabytes_max} Mio ; partagez-le.",
        "The texts of this workbook are over {megabytes_max} MiB; split it.",
    ),
    "workbook.too_large": Text(
        "Décompressé, ce classeur dépasse {megabytes_max} Mio ou {entries_max} éléments, "
        "ou il est compressé à l'excès.",
        "Unpacked, this workbook is over {megabytes_max} MiB or {entries_max} parts, "
        "or it is compressed beyond measure.",
    ),
}
