/** Picks 0 … size-1 from a uniform number: item i is chosen in proportion to 1 / (i + 1)^exponent. */
export function createZipf(size: number, exponent: number): (uniform: number) => number {
  const cumulative = new Float64Array(size)
  let sum = 0
  for (let index = 0; index < size; index += 1) {
    sum += (index + 1) ** -exponent
    cumulative[index] = sum
  }
  return (uniform) => {
    const target = uniform * sum
    let low = 0
    let high = size - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (cumulative[middle]! > target) high = middle
      else low = middle + 1
    }
    return low
  }
}
