/** Rounds after which V8 has compiled what it needs to look at the prototype again; a few microseconds in all. */
const ROUNDS = 1_000

/**
 * Makes the methods of strings fast again in this process. ioredis 6 has a class that extends String
 * (resp/verbatim-string); on its definition V8 keeps `String.prototype` as a dictionary, and `charCodeAt`, `slice` and
 * `indexOf` are looked up anew at each call: an Authorization takes three times as long to read. V8 lays a prototype
 * out for speed when a property is found through an object that has it (`JSObject::MakePrototypesFast`), which strings
 * themselves are not. To be called once the libraries are loaded; returns a number so that nothing is optimised away.
 */
export function speedUpStrings(): number {
  const object = new String('speed')
  let sum = 0
  for (let round = 0; round < ROUNDS; round++) sum += object.trim.length + object.charCodeAt(0)
  return sum
}
