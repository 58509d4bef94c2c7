-- Is the stored digest one of the candidates? There is one candidate for each key of the ring.
local function among(candidates, stored)
  return stored and stored ~= '' and string.find(candidates, stored, 1, true) ~= nil
end
