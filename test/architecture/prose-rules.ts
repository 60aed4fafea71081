/** Words and phrases that the project's prose does without, each with what to write instead. */

export type ProseRule = {
  readonly name: string;
  /** Alternatives of a regular expression, matched as whole words in any case; a space matches a line's end as well. */
  readonly words: string;
  readonly instead: string;
  /** Uses that are right: phrases around the word, as alternatives of a regular expression. */
  readonly except?: string;
  /** Files that the rule is for; all without it. */
  readonly only?: RegExp;
  /** Files in which the word has its plain meaning. */
  readonly not?: RegExp;
};

/** Idioms: the name of the rule is the word as the figures of `npm run check:house` group it. */
const idioms: readonly ProseRule[] = [
  {
    name: "indefinite people",
    words: "(?:no|some|any|every)(?:body|one)|no one|who(?:m|so)?ever",
    instead: "name the actor: the owner, the caller, the server, the relay, the operator",
  },
  {
    name: "personal pronouns",
    words: "he|him|his|himself|she|her|hers|herself",
    instead: "name the actor, or write it",
  },
  { name: "tell", words: "tell|tells|told|telling", instead: "returns, reports, notifies, shows, states" },
  { name: "behind", words: "behind", instead: "after, later, lags, follows, in the queue" },
  { name: "in front of", words: "in front of", instead: "before" },
  { name: "for good", words: "for good", instead: "permanently" },
  { name: "come to", words: "comes to|came to", instead: "results in, reaches" },
  {
    name: "give up",
    words: "(?:give|gives|gave|given|giving)(?: (?:it|them|this|the [a-z]+))? up",
    instead: "abandons, releases, drops",
  },
  {
    name: "stand",
    words: "stands?|stood|standing",
    instead: "is, are",
    except: "stand-in|stands? for|standing for|long-standing",
  },
  {
    name: "look",
    words: "(?:a|one|another|the|every|each) look|look(?:s|ed|ing)? at",
    instead: "reads, checks",
  },
  { name: "on its way", words: "on (?:its|the|their|his|a) way", instead: "in flight, pending" },
  { name: "wish", words: "wish(?:es|ed)?", instead: "request, needs" },
  { name: "reckon", words: "reckon(?:s|ed|ing)?", instead: "computes, estimates" },
  { name: "mend", words: "mend(?:s|ed|ing)?", instead: "fixes, repairs" },
  {
    name: "take back",
    words: "(?:take|takes|took|taken|taking)(?: (?:it|them|the [a-z]+))? back",
    instead: "issues a credit note, undoes",
  },
  { name: "want", words: "wants?|wanted|wanting", instead: "needs, requires" },
  { name: "by and by", words: "by and by", instead: "gradually" },
  { name: "of old", words: "of old", instead: "earlier, former" },
  { name: "thereby", words: "thereby|whence|hence|thence|whither|herein|therein", instead: "so, from where" },
  { name: "but for", words: "but for|save for", instead: "except" },
  { name: "so many", words: "so many|so much|so few", instead: "up to N" },
  { name: "as long as it lives", words: "as long as (?:it|he|she) lives?", instead: "until it ends" },
  { name: "the other way round", words: "the other way (?:a?round)", instead: "the reverse" },
];

/** Words of the project that were replaced by those of the field (docs/glossary.md). */
const replaced: readonly ProseRule[] = [
  {
    name: "cell",
    words: "cells?",
    instead: "activation",
    except: "table cells?|cells? of (?:a|the) tables?",
  },
  { name: "resident", words: "residents?", instead: "activation cache" },
  { name: "ghost", words: "ghosts?", instead: "pending write sets of the replaced activation" },
  {
    name: "follower",
    words: "followers?",
    instead: "dependents; of a log: consumer",
    except: "leaders? and followers?|followers? of (?:a|the) stream",
  },
  { name: "floor", words: "floors?", instead: "checkpoint" },
  {
    name: "unit",
    words: "units?",
    instead: "write set",
    except:
      "minor units?|unit tests?|code units?|stock keeping units?|unit and architecture|unit prices?|price (?:of|per) (?:a|one) unit|units? of (?:a|the|its|their|money|measure|time)|(?:shape|types), units",
  },
  {
    name: "guard",
    words: "guards?|guarded|guarding",
    instead: "precondition",
    except:
      "XState(?:'s)? guards?|guards? and actions?|guards? of (?:a|the|its) (?:machine|transition|state)s?",
    not: /^(?:machines|test\/unit\/machines)\//u,
  },
  { name: "tally", words: "tally|tallies|tallied", instead: "deltas" },
  {
    name: "ledger",
    words: "ledgers?",
    instead: "aggregator",
    except: "gateway(?:'s)? ledgers?|ledgers? of the (?:payment )?gateway",
    not: /gateway|reconcil|ledger/u,
  },
  { name: "lane", words: "lanes?", instead: "semaphore, provider limiter" },
  { name: "verdict", words: "verdicts?", instead: "result of the call, judgment" },
  { name: "patience", words: "patience|patient|impatient", instead: "maximum wait" },
  { name: "doubt", words: "doubts?|doubted|doubtful", instead: "unverified, lock verification" },
  { name: "sight", words: "sight|sights", instead: "observer liveness" },
  {
    name: "in touch",
    words: "contacts?|in touch|out of touch",
    instead: "connectivity, connected, isolated",
  },
  { name: "cut off", words: "cuts?[ -]off|cutting off", instead: "isolated, disconnected" },
  { name: "unfit", words: "unfit", instead: "incompatible" },
  { name: "birth", words: "births?|born", instead: "initial input, created" },
  { name: "aside", words: "aside", instead: "apart, quarantined" },
  { name: "crash point", words: "crash[ -]points?", instead: "failpoint" },
  { name: "allotment", words: "allot(?:s|ted|ting|ments?)?", instead: "allocation" },
  {
    name: "letter",
    words: "letters?",
    instead: "template, message",
    except:
      "dead[ -]letters?|letters?,? (?:(?:and|or) )?digits?|(?:small|capital|lower-?case|upper-?case|block|first|other|of) letters?|letters? (?:case|a to z)",
  },
  { name: "desk", words: "desks?", instead: "service" },
  { name: "paperwork", words: "paperworks?|papers?", instead: "documents", except: "RFC, paper" },
  { name: "pledge", words: "pledg(?:e|es|ed|ing)", instead: "pending allocation" },
  { name: "shelf", words: "shelf|shelves", instead: "stock item" },
  {
    name: "offer and book",
    words: "offers?|offered|books?",
    instead: "availability, stock projection",
    only: /inventory|stock/u,
  },
  { name: "lookup", words: "lookups?", instead: "status query" },
  {
    name: "turn",
    words: "(?:a|the|one|each|every|its|this|that|next|same) turn|turns",
    instead: "evaluation of an input, decision",
    except: "turns? (?:into|out|off|on|away|over|to)",
  },
];

/** The beginning of a word in British spelling is enough to know it. */
const BRITISH = [
  String.raw`\w*(?:author|recogn|organ|initial|serial|synchron|normal|minim|maxim|optim|real|summar|emphas|final|capital|priorit|util|custom|special|general|memor|standard|apolog|character|central|stabil|visual|local|categor|material|formal|equal|random|token|penal|sanit|crystall)is(?:e|es|ed|ing|er|ers|ation|ations)`,
  String.raw`(?:behavi|neighb|hon|fav|col|lab|rum|harb|vap|flav|endeav)our\w*`,
  String.raw`(?:anal|paral|catal)ys(?:e|ed|ing)`,
  "centres?|metres?|litres?|licences?|defences?|offences?|pretences?",
  "(?:travel|model|label|signal|total|dial|fuel|level|equal|channel|tunnel|marshal|quarrel|initial)l(?:ed|ing|er|ers)",
  "fulfils?|fulfilment|judgements?|grey|programmes?|cheques?|whilst|amongst|learnt|spelt|burnt|ageing|artefacts?",
  "practis(?:e|es|ed|ing)|dialogues?|towards|afterwards|sceptic\\w*|tyres?",
].join("|");

const spelling: ProseRule = {
  name: "British spelling",
  words: BRITISH,
  instead: "American spelling: -ize, -or, -er, -se, one l",
};

export const proseRules: readonly ProseRule[] = [...idioms, ...replaced, spelling];
