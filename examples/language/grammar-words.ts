/** A word in two forms: singular and plural. */
export type Forms = readonly [singular: string, plural: string];

const words = (text: string) => text.trim().split(/\s+/);
const forms = (text: string): Forms[] => words(text).map((pair) => pair.split('/') as [string, string]);

export const women = words(
  'Anna Maria Clara Emma Julia Laura Nora Rosa Sara Eva Ida Lena Mina Olga Paula Tessa Vera Alma Greta Helen Flora Irma Joan Mary Ruth',
);
export const men = words(
  'Adam Bruno Carl David Erik Felix Georg Hugo Ivan Jonas Karl Leo Martin Noah Oscar Peter Robert Simon Thomas Victor Walter Paul Henry Daniel Edgar',
);

export const animals = forms(
  'dog/dogs cat/cats horse/horses goat/goats duck/ducks rabbit/rabbits fox/foxes bear/bears owl/owls swan/swans',
);
export const persons = forms(`
  farmer/farmers teacher/teachers doctor/doctors sailor/sailors baker/bakers child/children neighbour/neighbours
  painter/painters singer/singers guard/guards judge/judges pilot/pilots nurse/nurses friend/friends cousin/cousins
  stranger/strangers tailor/tailors student/students hunter/hunters king/kings queen/queens soldier/soldiers
  gardener/gardeners writer/writers dancer/dancers waiter/waiters uncle/uncles cook/cooks driver/drivers miner/miners`);
/** Who can do things. */
export const beings = [...animals, ...persons];

export const things = forms(`
  box/boxes key/keys letter/letters basket/baskets lamp/lamps book/books cup/cups chair/chairs hat/hats coat/coats
  ball/balls coin/coins ring/rings map/maps clock/clocks candle/candles ladder/ladders bottle/bottles picture/pictures
  drum/drums rope/ropes bell/bells blanket/blankets mirror/mirrors spoon/spoons bag/bags wheel/wheels boat/boats
  kite/kites flute/flutes plate/plates table/tables pencil/pencils stone/stones bucket/buckets scarf/scarves
  brush/brushes shoe/shoes pot/pots purse/purses`);

export const places = forms(`
  garden/gardens bridge/bridges house/houses barn/barns school/schools tower/towers market/markets river/rivers
  forest/forests hill/hills lake/lakes field/fields village/villages station/stations harbour/harbours church/churches
  mill/mills shop/shops kitchen/kitchens cellar/cellars castle/castles park/parks street/streets temple/temples
  valley/valleys island/islands farm/farms palace/palaces cave/caves square/squares`);

/** What beings do by themselves, to things, and to each other: with one, and with several. */
export const doings = forms(`
  sleeps/sleep runs/run sings/sing laughs/laugh waits/wait dances/dance smiles/smile rests/rest listens/listen
  works/work whispers/whisper shouts/shout trembles/tremble plays/play stumbles/stumble yawns/yawn swims/swim
  coughs/cough hesitates/hesitate wins/win`);
export const handlings = forms(`
  carries/carry finds/find hides/hide paints/paint cleans/clean sells/sell buys/buy breaks/break repairs/repair
  wants/want loses/lose throws/throw lifts/lift keeps/keep steals/steal drops/drop opens/open draws/draw
  borrows/borrow touches/touch`);
export const dealings = forms(`
  sees/see follows/follow helps/help likes/like fears/fear calls/call visits/visit watches/watch greets/greet
  trusts/trust teaches/teach thanks/thank chases/chase admires/admire forgives/forgive remembers/remember meets/meet
  warns/warn joins/join blames/blame`);
export const being: Forms = ['is', 'are'];
export const standing: Forms = ['stands', 'stand'];

export const ofBeings = words(
  'old young tall small brave quiet clever tired happy sad angry gentle proud shy hungry lazy honest curious careful lonely polite rude rich poor',
);
export const ofThings = words(
  'red blue green yellow white black heavy light broken shiny wooden golden silver dusty round empty tiny huge cheap strange thick thin clean dirty',
);
export const ofPlaces = words(
  'busy ancient dark sunny narrow wide distant little famous misty foggy remote peaceful crowded windy ruined',
);
export const states = words('ready late lost safe wet cold warm sick well alone');
export const manners = words(
  'slowly quickly softly loudly often rarely gladly calmly again today proudly secretly bravely early',
);
/** Between a noun and one that says where it is, or what goes with it. */
export const besides = words('near behind beside with');
/** Where something happens. */
export const wheres = words('in near behind at');
export const times = [
  'in the morning',
  'at noon',
  'in the evening',
  'at night',
  'after lunch',
  'before dinner',
  'on sunday',
  'on monday',
  'in winter',
  'in summer',
].map(words);
export const reports = words('says thinks knows hopes believes');
