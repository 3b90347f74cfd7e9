/** A programme that can be recommended. */
export interface Programme {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly genre: string;
  /** BCP 47. */
  readonly language: string;
}

/**
 * The programmes to recommend from. A real catalogue would come from a search service or a
 * database; this example is bundled.
 */
export const catalogue: readonly Programme[] = [
  {
    id: "melting-point",
    title: "Melting Point",
    description:
      "Scientists camp on the Aletsch glacier to measure how fast the ice of the Alps is retreating. Their cores and satellite pictures show a century of warming. In the valleys below, villages prepare for floods and for summers without meltwater.",
    genre: "climate",
    language: "en",
  },
  {
    id: "the-thaw",
    title: "The Thaw",
    description:
      "From Greenland to the Arctic tundra, permafrost and ice sheets are giving way. Researchers explain what the melting means for sea level, for the carbon stored in frozen soil, and for the people who live on it.",
    genre: "climate",
    language: "en",
  },
  {
    id: "one-degree-more",
    title: "One Degree More",
    description:
      "A weekly look at the climate: emissions, heatwaves, droughts and the politics of global warming. Each edition takes one region and asks what another degree would change there.",
    genre: "climate",
    language: "en",
  },
  {
    id: "rising-tide",
    title: "Rising Tide",
    description:
      "Coastal cities from Rotterdam to Jakarta live with the rising sea. Engineers, fishers and mayors show dikes, storm barriers and plans to move away from the shore.",
    genre: "climate",
    language: "en",
  },
  {
    id: "wind-and-sun",
    title: "Wind and Sun",
    description:
      "Solar roofs, offshore wind farms and batteries are remaking the power grid. A series about the energy transition, who pays for it, and the technicians who climb the turbines.",
    genre: "climate",
    language: "en",
  },
  {
    id: "full-time",
    title: "Full Time",
    description:
      "Every goal, save and penalty of the football weekend, with coaches and players in the studio. Analysts take apart the tactics of the league's biggest match.",
    genre: "sport",
    language: "en",
  },
  {
    id: "the-away-end",
    title: "The Away End",
    description:
      "Football seen from the terraces: supporters on trains, in the rain, at small grounds. Their clubs may be bankrupt or relegated, but their songs are not.",
    genre: "sport",
    language: "en",
  },
  {
    id: "her-game",
    title: "Her Game",
    description:
      "The rise of women's football, from banned matches to sold-out stadiums. World Cup winners and teenage strikers tell how the game was won.",
    genre: "sport",
    language: "en",
  },
  {
    id: "the-climb",
    title: "The Climb",
    description:
      "A cycling team spends three weeks on the mountain passes of the grand tour. Cameras ride along with the sprinters, the mechanics and the doctor.",
    genre: "sport",
    language: "en",
  },
  {
    id: "match-point",
    title: "Match Point",
    description:
      "Tennis from clay to grass: the finals, the feuds and the long road through the qualifying rounds. Former champions comment on every serve.",
    genre: "sport",
    language: "en",
  },
  {
    id: "downhill",
    title: "Downhill",
    description:
      "Alpine skiing live from the World Cup, with slow motion from the steepest slopes. Racers explain wax, edges and the courage to start in fog.",
    genre: "sport",
    language: "en",
  },
  {
    id: "blue-hour",
    title: "Blue Hour",
    description:
      "An hour of jazz after dark: trumpet, double bass and brushes on a snare. Live sessions from the studio meet recordings from the clubs of New York and Paris.",
    genre: "music",
    language: "en",
  },
  {
    id: "standards",
    title: "Standards",
    description:
      "One jazz tune an episode, from its first recording to the latest improvisation. Pianists and singers play it and argue about its chords.",
    genre: "music",
    language: "en",
  },
  {
    id: "the-orchestra-upstairs",
    title: "The Orchestra Upstairs",
    description:
      "A season with a symphony orchestra, from auditions to the last encore. The conductor rehearses Mahler while the violins negotiate their contracts.",
    genre: "music",
    language: "en",
  },
  {
    id: "first-night",
    title: "First Night",
    description:
      "Opera from the great houses, with the stories backstage. Sopranos, set builders and prompters prepare a premiere that almost does not happen.",
    genre: "music",
    language: "en",
  },
  {
    id: "basement-tapes",
    title: "Basement Tapes",
    description:
      "New bands play their demos and say where they recorded them. Guitars, drum machines and borrowed microphones, chosen by listeners each week.",
    genre: "music",
    language: "en",
  },
  {
    id: "beats-of-lagos",
    title: "Beats of Lagos",
    description:
      "The producers and dancers who made Afrobeats a global sound. A journey through studios, markets and festivals in Nigeria's largest city.",
    genre: "music",
    language: "en",
  },
  {
    id: "the-chamber",
    title: "The Chamber",
    description:
      "The week in parliament: debates, amendments and the votes that were closer than expected. Ministers and members of the opposition answer in the lobby.",
    genre: "politics",
    language: "en",
  },
  {
    id: "question-hour",
    title: "Question Hour",
    description:
      "Citizens put their questions to the government, live and without a script. Fact checkers follow each answer.",
    genre: "politics",
    language: "en",
  },
  {
    id: "ballot",
    title: "Ballot",
    description:
      "How elections are won, lost and counted around the world. Campaign managers, pollsters and first-time voters look behind the results.",
    genre: "politics",
    language: "en",
  },
  {
    id: "brussels-after-six",
    title: "Brussels After Six",
    description:
      "The European Union when the summit is over: commissioners, lobbyists and interpreters over dinner. What was decided, and what it means at home.",
    genre: "politics",
    language: "en",
  },
  {
    id: "foreign-desk",
    title: "Foreign Desk",
    description:
      "Correspondents report from conflicts, borders and capitals. They tell what the evening news has no time for, and how they came to know it.",
    genre: "news",
    language: "en",
  },
  {
    id: "follow-the-money",
    title: "Follow the Money",
    description:
      "Investigative reporters trace bribes, shell companies and tax havens. Each case begins with one leaked document and ends with a question to the owner.",
    genre: "news",
    language: "en",
  },
  {
    id: "market-day",
    title: "Market Day",
    description:
      "Business and the economy in plain words: interest rates, wages, start-ups and the price of bread. Economists and shopkeepers compare their figures.",
    genre: "business",
    language: "en",
  },
  {
    id: "shop-floor",
    title: "Shop Floor",
    description:
      "Factories from the inside: robots, shift workers and the unions that bargain for them. How cars, chips and chocolate are made, and where the jobs went.",
    genre: "business",
    language: "en",
  },
  {
    id: "sunday-kitchen",
    title: "Sunday Kitchen",
    description:
      "Two cooks, one oven and a recipe that feeds six. They bake, braise and taste their way through the season's vegetables, and nothing goes to waste.",
    genre: "cooking",
    language: "en",
  },
  {
    id: "bread",
    title: "Bread",
    description:
      "Sourdough, flatbread, baguette and injera: bakers show how flour, water and time become dinner. With recipes for every kitchen.",
    genre: "cooking",
    language: "en",
  },
  {
    id: "street-plates",
    title: "Street Plates",
    description:
      "Dumplings at dawn, tacos at midnight: the best street food and the people who cook it. A chef travels with an empty stomach and a notebook.",
    genre: "cooking",
    language: "en",
  },
  {
    id: "the-cellar",
    title: "The Cellar",
    description:
      "Wine, cider and cheese from growers who do everything by hand. A tasting in the vineyard, with what to eat beside each glass.",
    genre: "cooking",
    language: "en",
  },
  {
    id: "escape-velocity",
    title: "Escape Velocity",
    description:
      "Rockets, orbits and the astronauts who ride them. From the first satellites to the return to the Moon, with the engineers who watched every launch.",
    genre: "space",
    language: "en",
  },
  {
    id: "deep-field",
    title: "Deep Field",
    description:
      "Astronomers read the oldest light of the universe with the largest telescopes. Galaxies, black holes and planets around distant stars, one discovery an evening.",
    genre: "space",
    language: "en",
  },
  {
    id: "red-planet-diary",
    title: "Red Planet Diary",
    description:
      "A rover drives across Mars and writes home. Its drivers on Earth plan each metre, wait for the signal, and look for traces of ancient water and life.",
    genre: "space",
    language: "en",
  },
  {
    id: "the-proof",
    title: "The Proof",
    description:
      "Mathematicians tell the story of one theorem each: the hunch, the wrong turns, the night it worked. No blackboard needed.",
    genre: "science",
    language: "en",
  },
  {
    id: "under-the-microscope",
    title: "Under the Microscope",
    description:
      "Cells, viruses and bacteria seen as never before. Biologists explain how vaccines are made and why the immune system sometimes forgets.",
    genre: "science",
    language: "en",
  },
  {
    id: "quantum-tuesday",
    title: "Quantum Tuesday",
    description:
      "Physics for the bus ride: particles, entanglement and time. A physicist and a comedian try one experiment a week, and most of them work.",
    genre: "science",
    language: "en",
  },
  {
    id: "thinking-machines",
    title: "Thinking Machines",
    description:
      "Artificial intelligence between hope and hype. Programmers, translators and judges show what algorithms and language models do in their work, and what they get wrong.",
    genre: "technology",
    language: "en",
  },
  {
    id: "zero-day",
    title: "Zero Day",
    description:
      "Hackers, ransomware and the people who keep hospitals online. A podcast about computer security that begins with a password.",
    genre: "technology",
    language: "en",
  },
  {
    id: "second-opinion",
    title: "Second Opinion",
    description:
      "Doctors and patients talk through a difficult diagnosis together. Medicine, sleep, nutrition and mental health, without miracle cures.",
    genre: "health",
    language: "en",
  },
  {
    id: "the-long-ward",
    title: "The Long Ward",
    description:
      "A year in a children's hospital, told by nurses, surgeons and parents. Small recoveries and night shifts.",
    genre: "health",
    language: "en",
  },
  {
    id: "empire-of-salt",
    title: "Empire of Salt",
    description:
      "How salt, silk and silver built the trading cities of the Middle Ages. Historians walk from Venice to Samarkand with merchants' letters in their hands.",
    genre: "history",
    language: "en",
  },
  {
    id: "the-archive-room",
    title: "The Archive Room",
    description:
      "One box of forgotten film or tape is opened each week. Archivists and witnesses put together what happened on that day in the twentieth century.",
    genre: "history",
    language: "en",
  },
  {
    id: "walls",
    title: "Walls",
    description:
      "From Hadrian's frontier to Berlin in 1989, why people build walls and how they fall. A history of borders, soldiers and those who crossed.",
    genre: "history",
    language: "en",
  },
  {
    id: "the-pharaohs-scribe",
    title: "The Pharaoh's Scribe",
    description:
      "Everyday life in ancient Egypt, deciphered from papyrus and tomb walls. Archaeologists dig out a village of pyramid builders, house by house.",
    genre: "history",
    language: "en",
  },
  {
    id: "otter-and-owl",
    title: "Otter and Owl",
    description:
      "Two animal friends solve small riddles by the river, with songs to sing along. For children from three years.",
    genre: "children",
    language: "en",
  },
  {
    id: "why-oh-why",
    title: "Why, Oh Why?",
    description:
      "Children ask, and somebody who knows answers: why is the sky blue, do fish sleep, who invented school? With an experiment to do at home.",
    genre: "children",
    language: "en",
  },
  {
    id: "the-tree-house-club",
    title: "The Tree House Club",
    description:
      "Five kids, one tree house and a mystery in every summer holiday. An adventure series for children and everybody who reads under the blanket.",
    genre: "children",
    language: "en",
  },
  {
    id: "harbour-street",
    title: "Harbour Street",
    description:
      "Detective Inga Sol investigates murders in a port town where everybody has seen something. A crime drama in eight parts.",
    genre: "drama",
    language: "en",
  },
  {
    id: "the-quiet-witness",
    title: "The Quiet Witness",
    description:
      "A court interpreter realises that the suspect is lying in a language only she understands. A thriller about police, prosecutors and loyalty.",
    genre: "drama",
    language: "en",
  },
  {
    id: "elm-farm",
    title: "Elm Farm",
    description:
      "Three siblings inherit a farm and forty cows that none of them wanted. A family drama about love, debts and the harvest.",
    genre: "drama",
    language: "en",
  },
  {
    id: "open-mic",
    title: "Open Mic",
    description:
      "Stand-up comedians try new jokes on an audience that has paid nothing. Satire, slips and one guest who has never been on a stage.",
    genre: "comedy",
    language: "en",
  },
  {
    id: "wild-city",
    title: "Wild City",
    description:
      "Foxes in the underground, falcons on the cathedral, bees on the roof: wildlife filmmakers follow the animals that moved into town.",
    genre: "nature",
    language: "en",
  },
  {
    id: "the-deep",
    title: "The Deep",
    description:
      "Submarines descend to coral reefs and hydrothermal vents. Whales, squid and glowing jellyfish in an ocean that is warmer every year.",
    genre: "nature",
    language: "en",
  },
  {
    id: "forest-hours",
    title: "Forest Hours",
    description:
      "A slow programme about trees: rangers, woodpeckers and mushrooms through four seasons. Recorded without commentary, explained in the last ten minutes.",
    genre: "nature",
    language: "en",
  },
  {
    id: "book-at-bedtime",
    title: "A Book at Bedtime",
    description:
      "Actors read novels and short stories, a chapter an evening. Before the last page, the author says how it could have ended.",
    genre: "arts",
    language: "en",
  },
  {
    id: "the-blank-wall",
    title: "The Blank Wall",
    description:
      "Painters, sculptors and curators prepare an exhibition from nothing. A series about museums, taste and the price of a picture.",
    genre: "arts",
    language: "en",
  },
  {
    id: "slow-train",
    title: "Slow Train",
    description:
      "Railway journeys without a hurry, from the fjords of Norway to the tea hills of Sri Lanka. Landscapes, timetables and conversations in the dining car.",
    genre: "travel",
    language: "en",
  },
];
